"""From a file's bytes to exact frames and sound, with every hostile byte read in a child process.

The room's doors, each importable on its own so that nothing heavy loads before it is used:

* :mod:`videlicet.media.sources`: find files, folders, globs and addresses.
* :mod:`videlicet.media.fetch`: download an address, guarded against reaching private hosts.
* :mod:`videlicet.media.probe`: what a container holds, or a clear refusal.
* :mod:`videlicet.media.decode`: one pass over pictures, shots and sound.
* :mod:`videlicet.media.cut`: exact thumbnails, frames and clips; query pictures and sounds.
* :mod:`videlicet.media.sandbox`: what confines the child processes on this machine.

``media/child`` is what runs inside those processes; nothing else imports it.
"""
