"""What a model answered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Sequence, Tuple, Union

import numpy as np

from . import _datatypes

if TYPE_CHECKING:
    import torch

    from . import _native


class Output:
    """One output tensor.

    ``name``, ``datatype`` (the protocol's name, such as "FP32") and ``shape`` say what it is. The elements stay in
    the memory that the answer arrived in until one of the ``as_…`` methods is called.
    """

    def __init__(self, name: str, datatype: str, shape: Tuple[int, ...],
                 raw: "np.ndarray[Any, np.dtype[np.uint8]]") -> None:
        self.name = name
        self.datatype = datatype
        self.shape = shape
        self._raw = raw

    def as_numpy(self) -> "np.ndarray[Any, Any]":
        """The tensor as a numpy array of ``shape``, without a copy where the datatype allows it.

        BF16 becomes ``ml_dtypes.bfloat16`` where that package is installed, else float32 with the same values.
        BYTES becomes an array of ``bytes`` objects.
        """
        return _datatypes.decode(self.datatype, self.shape, self._raw)

    def as_torch(self) -> "torch.Tensor":
        """The tensor as a torch tensor of ``shape``. torch is imported by this call.

        UINT16 and UINT32 become int32 and int64, which every version of torch has. Raises TypeError for UINT64
        values above the range of int64, and for BYTES.
        """
        import torch

        if self.datatype == "BYTES":
            raise TypeError("torch has no tensors of bytes; use as_numpy()")
        if self.datatype == "BF16":
            bits = np.array(self._raw.view("<i2"))
            return torch.from_numpy(bits).view(torch.bfloat16).reshape(self.shape)
        array = self.as_numpy()
        if self.datatype == "UINT64" and array.size and int(array.max()) > np.iinfo(np.int64).max:
            raise TypeError("a UINT64 value is above the range of torch.int64; use as_numpy()")
        wider = {"UINT16": np.int32, "UINT32": np.int64, "UINT64": np.int64}.get(self.datatype)
        return torch.from_numpy(array if wider is None else array.astype(wider))

    def as_flat(self) -> List[Any]:
        """The elements as a flat list of Python numbers, truth values or bytes, row by row."""
        return self.as_numpy().reshape(-1).tolist()

    def __array__(self, dtype: Any = None, copy: Any = None) -> "np.ndarray[Any, Any]":
        array = self.as_numpy()
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __repr__(self) -> str:
        return f"<blindai.Output {self.name}: {self.datatype} {list(self.shape)}>"


class Outputs(Sequence[Output]):
    """The outputs in the model's order; by position or by name: ``output[0]``, ``output["logits"]``."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = list(outputs)
        self._by_name: Dict[str, Output] = {output.name: output for output in outputs}

    def __getitem__(self, key: Union[int, str, slice]) -> Any:
        if isinstance(key, str):
            if key not in self._by_name:
                raise KeyError(f"there is no output '{key}'; there are {', '.join(self._by_name)}")
            return self._by_name[key]
        return self._outputs[key]

    def __len__(self) -> int:
        return len(self._outputs)

    def __iter__(self) -> Iterator[Output]:
        return iter(self._outputs)

    def names(self) -> List[str]:
        return [output.name for output in self._outputs]

    def __repr__(self) -> str:
        return repr(self._outputs)


class Response:
    """The answer to one ``predict``: ``model_id`` and ``output``."""

    def __init__(self, prediction: "_native.Prediction") -> None:
        self.model_id: str = prediction.model_id
        self.output = Outputs([Output(*output) for output in prediction.outputs()])

    def __repr__(self) -> str:
        return f"<blindai.Response of {self.model_id}: {self.output!r}>"


if sys.byteorder != "little":
    raise ImportError("blindai needs a little-endian machine")
