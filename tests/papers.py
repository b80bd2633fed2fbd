"""PDF documents, written by hand."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
RED, GREEN, BLUE, YELLOW = (220, 20, 20), (20, 160, 20), (20, 20, 220), (230, 220, 20)


@dataclass(frozen=True)
class Sheet:
    """A page: its ground in one colour, or in four by quarters (top left, top right, bottom left,
    bottom right), and lines of words on it. ``turned`` is by how many degrees it is turned."""

    ground: tuple[Colour, ...] = ((255, 255, 255),)
    lines: tuple[str, ...] = ()
    size: tuple[int, int] = (300, 200)
    turned: int = 0

    def content(self) -> bytes:
        width, height = self.size
        fields = [(0.0, 0.0, 1.0, 1.0)]
        if len(self.ground) == 4:
            fields = [(x, y, 0.5, 0.5) for y in (0.5, 0.0) for x in (0.0, 0.5)]
        drawn = [
            f"{' '.join(f'{part / 255:.4f}' for part in colour)} rg "
            f"{x * width} {y * height} {w * width} {h * height} re f"
            for colour, (x, y, w, h) in zip(self.ground, fields, strict=True)
        ]
        said = [f"({line}) Tj 0 -16 Td" for line in self.lines]
        words = ["0 0 0 rg BT /F1 12 Tf", f"20 {height - 30} Td", *said, "ET"]
        return "\n".join([*drawn, *words]).encode()


def pdf(*sheets: Sheet, locked: bool = False, padding: int = 0) -> bytes:
    """A document of such pages. One that is ``locked`` asks for a password; ``padding`` bytes stand
    in a stream that no page uses."""
    font = 3 + 2 * len(sheets)
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(sheets)))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(sheets)} >>".encode(),
    ]
    for n, sheet in enumerate(sheets):
        width, height = sheet.size
        bodies += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Rotate {sheet.turned}"
            f" /Resources << /Font << /F1 {font} 0 R >> >> /Contents {4 + 2 * n} 0 R >>".encode(),
            _stream(sheet.content()),
        ]
    bodies += [
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        _stream(b"\0" * padding),
    ]
    trailer = f"/Size {len(bodies) + 1} /Root 1 0 R"
    if locked:
        nobody = "41" * 32  # what no password leads to
        trailer += (
            f" /ID [<{'00' * 16}> <{'00' * 16}>]"
            f" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{nobody}> /U <{nobody}> >>"
        )
    out = b"%PDF-1.7\n"
    places = []
    for n, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(bodies) + 1, table)
    end = b"trailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (trailer.encode(), len(out))
    return out + head + end


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def pageless() -> bytes:
    """A sound document without a page."""
    return pdf()


def looped() -> bytes:
    """A document whose pages contain themselves."""
    return pdf(Sheet()).replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]")
