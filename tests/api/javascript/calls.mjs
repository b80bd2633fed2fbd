// Which methods of a client of the official SDK are called. Calls that it makes of itself do not
// count.
import { AsyncLocalStorage } from "node:async_hooks";

// Where the methods are that no version of the server has yet.
const later = /^(dataConnectors\.|imports\.)/;
const inside = new AsyncLocalStorage();

export function watch(client) {
  const known = new Set();
  const called = new Set();
  const seen = new Set();

  function look(owner, path) {
    if (seen.has(owner)) return;
    seen.add(owner);
    for (let one = owner; one && one !== Object.prototype; one = Object.getPrototypeOf(one)) {
      for (const name of Object.getOwnPropertyNames(one)) {
        // The inner client has the same methods again.
        if (name.startsWith("_") || name === "constructor" || name === "client") continue;
        const place = path + name;
        const method = Object.getOwnPropertyDescriptor(one, name).value;
        if (typeof method === "function") {
          if (known.has(place)) continue;
          known.add(place);
          const bound = method.bind(owner);
          owner[name] = (...given) => {
            if (inside.getStore()) return bound(...given);
            called.add(place);
            return inside.run(true, () => bound(...given));
          };
        } else if (owner[name] && typeof owner[name] === "object") {
          look(owner[name], `${place}.`);
        }
      }
    }
  }

  look(client, "");
  return () => [...known].filter((one) => !called.has(one) && !later.test(one));
}
