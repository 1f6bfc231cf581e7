"""The eleven datatypes of BlindAI, and tensors in the forms that its clients took."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, List, Optional

import numpy as np

from .. import _datatypes


class ModelDatumType(IntEnum):
    F32 = 0
    F64 = 1
    I32 = 2
    I64 = 3
    U32 = 4
    U64 = 5
    U8 = 6
    U16 = 7
    I8 = 8
    I16 = 9
    Bool = 10


_NUMPY = {
    ModelDatumType.F32: "float32",
    ModelDatumType.F64: "float64",
    ModelDatumType.I32: "int32",
    ModelDatumType.I64: "int64",
    ModelDatumType.U32: "uint32",
    ModelDatumType.U64: "uint64",
    ModelDatumType.U8: "uint8",
    ModelDatumType.U16: "uint16",
    ModelDatumType.I8: "int8",
    ModelDatumType.I16: "int16",
    ModelDatumType.Bool: "bool",
}
_BY_NAME = {name: kind for kind, name in _NUMPY.items()}
_BY_NAME.update({kind.name.lower(): kind for kind in ModelDatumType})
_OF_PROTOCOL = {_datatypes.NAMES[np.dtype(name)]: kind for kind, name in _NUMPY.items()}


def of_protocol(datatype: str) -> Optional[ModelDatumType]:
    """None for FP16, BF16 and BYTES, which BlindAI did not have."""
    return _OF_PROTOCOL.get(datatype)


def dtype_to_numpy(dtype: ModelDatumType) -> str:
    return _NUMPY[dtype]


def translate_dtype(dtype: Any) -> ModelDatumType:
    """A ModelDatumType, a numpy or torch dtype, or a name such as "float32" or "f32"."""
    if isinstance(dtype, ModelDatumType):
        return dtype
    name = dtype.lower() if isinstance(dtype, str) else str(dtype).replace("torch.", "")
    if name not in _BY_NAME:
        raise ValueError(f"DatumType {dtype} is not supported; use one of {', '.join(k.name for k in ModelDatumType)}")
    return _BY_NAME[name]


def _several(values: Any) -> List[Any]:
    if values is None:
        return []
    return list(values) if isinstance(values, list) else [values]


def _several_shapes(shapes: Any) -> List[Any]:
    """[1, 2] and (1, 2) are one shape, [[1, 2]] is a list of them."""
    if isinstance(shapes, list) and shapes and isinstance(shapes[0], (list, tuple)):
        return list(shapes)
    return [] if shapes is None else [shapes]


def to_array(tensor: Any, dtype: Any, shape: Any) -> Any:
    """A numpy or torch tensor as it is, once dtype and shape agree; a flat list with both of them as an array."""
    wanted = None if dtype is None else translate_dtype(dtype)
    if _datatypes.is_array(tensor):
        if wanted is not None and translate_dtype(tensor.dtype) != wanted:
            raise ValueError(f"Given tensor has dtype {tensor.dtype}, but {wanted.name} was expected.")
        if shape is not None and list(shape) != list(tensor.shape):
            raise ValueError(f"Given tensor has shape {list(tensor.shape)}, but {list(shape)} was expected.")
        return tensor
    if not isinstance(tensor, list):
        raise ValueError(f"Input tensor has an unsupported type: {type(tensor).__module__}.{type(tensor).__name__}")
    if wanted is None or shape is None:
        raise ValueError("A flat list needs its dtype and its shape; or pass a numpy array or a torch tensor.")
    _, _, elements = _datatypes.encode(tensor, _datatypes.NAMES[np.dtype(_NUMPY[wanted])])
    return elements.view(_NUMPY[wanted]).reshape(tuple(shape))


def to_arrays(tensors: Any, dtypes: Any, shapes: Any) -> List[Any]:
    """One tensor, or a list of tensors; each numpy, torch or a flat list."""
    several = isinstance(tensors, list) and bool(tensors) and (
        isinstance(tensors[0], list) or _datatypes.is_array(tensors[0]))
    each = list(tensors) if several else [tensors]
    kinds, forms = _several(dtypes), _several_shapes(shapes)
    return [to_array(tensor, kinds[i] if i < len(kinds) else None, forms[i] if i < len(forms) else None)
            for i, tensor in enumerate(each)]
