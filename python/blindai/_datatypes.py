"""Numbers between Python and the protocol: little-endian, row-major bytes, the Open Inference Protocol's names."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

NUMPY: Dict[str, "np.dtype[Any]"] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
NAMES = {dtype: name for name, dtype in NUMPY.items()}

# What goes to the server: datatype, shape, and the elements as one-dimensional uint8.
Encoded = Tuple[str, Tuple[int, ...], "np.ndarray[Any, np.dtype[np.uint8]]"]


def is_torch(value: Any) -> bool:
    """Whether this is a torch tensor. Does not import torch: without it, nothing can be one."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) or is_torch(value)


def encode(value: Any, wanted: Optional[str]) -> Encoded:
    """``wanted`` is the model's datatype, where it is known; lists need it."""
    if is_torch(value):
        return _encode_torch(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _encode_numpy(np.asarray(value), wanted)
    return _encode_plain(value, wanted)


def _bytes_of(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _encode_torch(tensor: Any) -> Encoded:
    import torch

    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        return "BF16", tuple(tensor.shape), _bytes_of(tensor.view(torch.int16).numpy())
    return _encode_numpy(tensor.numpy(), None)


def _encode_numpy(array: np.ndarray, wanted: Optional[str]) -> Encoded:
    if array.dtype.kind in "SUO":
        return _encode_strings(array)
    if array.dtype.name == "bfloat16" or (wanted == "BF16" and array.dtype == np.uint16):
        return "BF16", array.shape, _bytes_of(array)
    little = array.dtype.newbyteorder("<") if array.dtype.kind != "b" else array.dtype
    name = NAMES.get(little)
    if name is None:
        raise TypeError(f"an array of dtype {array.dtype} has no datatype in the protocol; "
                        f"use one of {', '.join(str(d) for d in NUMPY.values())}")
    return name, array.shape, _bytes_of(array.astype(little, copy=False))


def _encode_strings(array: np.ndarray) -> Encoded:
    parts: List[bytes] = []
    for element in array.reshape(-1).tolist():
        if isinstance(element, str):
            element = element.encode()
        if not isinstance(element, bytes):
            raise TypeError("an array of objects must hold bytes or str only")
        parts.append(len(element).to_bytes(4, "little") + element)
    return "BYTES", array.shape, np.frombuffer(b"".join(parts), np.uint8)


def _encode_plain(value: Any, wanted: Optional[str]) -> Encoded:
    """Lists and single numbers: they become the model's datatype, and must fit it."""
    if wanted is None:
        raise TypeError("a list has no datatype of its own and the model's is not known; pass a numpy array")
    if wanted == "BYTES":
        return _encode_strings(np.array(value, dtype=object))
    try:
        natural = np.asarray(value)
    except ValueError as error:
        raise ValueError("the list is ragged: rows of the same dimension have different lengths") from error
    kind = natural.dtype.kind
    if natural.size == 0:
        kind = "b" if wanted == "BOOL" else "i"
    if kind not in "biuf":
        raise TypeError("the list must hold numbers or truth values only, with rows of the same length")
    if (kind == "b") != (wanted == "BOOL"):
        raise TypeError(f"the model wants {wanted}, the list holds {'truth values' if kind == 'b' else 'numbers'}")
    if wanted == "BF16":
        return "BF16", natural.shape, _bytes_of(_to_bfloat16_bits(natural.astype(np.float32)))
    dtype = NUMPY[wanted]
    if dtype.kind in "iu" and natural.size:
        if kind == "f":
            raise TypeError(f"the model wants {wanted}, the list holds fractions")
        limits = np.iinfo(dtype)
        if int(natural.min()) < limits.min or int(natural.max()) > limits.max:
            raise ValueError(f"a number of the list does not fit {wanted} ({limits.min} to {limits.max})")
    return wanted, natural.shape, _bytes_of(natural.astype(dtype))


def _to_bfloat16_bits(floats: np.ndarray) -> np.ndarray:
    """The upper halves of float32, rounded to the nearest, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(floats).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16
    return np.where(np.isnan(floats), 0x7FC0, rounded).astype("<u2")


def decode(datatype: str, shape: Tuple[int, ...], raw: np.ndarray) -> np.ndarray:
    """BF16 becomes ``ml_dtypes.bfloat16`` where that package is installed, else float32, which holds it exactly."""
    if datatype == "BYTES":
        return _decode_strings(shape, raw.tobytes())
    if datatype == "BF16":
        bits = raw.view("<u2")
        bfloat16 = _bfloat16()
        if bfloat16 is not None:
            return _aligned(bits.view(bfloat16)).reshape(shape)
        return (bits.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return _aligned(raw.view(NUMPY[datatype])).reshape(shape)


def _aligned(array: np.ndarray) -> np.ndarray:
    return array if array.flags.aligned else array.copy()


def _bfloat16() -> Any:
    try:
        return np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    except ImportError:
        return None


def _decode_strings(shape: Tuple[int, ...], raw: bytes) -> np.ndarray:
    elements, at = [], 0
    while at < len(raw):
        length = int.from_bytes(raw[at:at + 4], "little")
        elements.append(raw[at + 4:at + 4 + length])
        at += 4 + length
    array = np.empty(len(elements), dtype=object)
    array[:] = elements
    return array.reshape(shape)
