"""Numbers between Python and the protocol's bytes, without a server."""

import numpy as np
import pytest

from blindai import _datatypes
from blindai.response import Output


def there_and_back(value, wanted=None):
    datatype, shape, raw = _datatypes.encode(value, wanted)
    return Output("x", datatype, shape, raw)


@pytest.mark.parametrize("name, dtype", list(_datatypes.NUMPY.items()))
def test_every_dtype_comes_back(name, dtype):
    for shape in ((), (0,), (3,), (2, 3), (1, 0, 2)):
        sent = np.zeros(shape, dtype)
        output = there_and_back(sent)
        assert (output.datatype, output.shape) == (name, shape)
        assert output.as_numpy().dtype == dtype
        np.testing.assert_array_equal(output.as_numpy(), sent)


def test_big_endian_and_strided_arrays_are_put_in_order():
    sent = np.arange(12, dtype=">i4").reshape(3, 4)[::2, ::-1]
    assert there_and_back(sent).as_flat() == [3, 2, 1, 0, 11, 10, 9, 8]


def test_single_numbers_have_no_dimensions():
    assert there_and_back(5, "INT64").shape == ()
    assert there_and_back(np.float32(0.5)).as_flat() == [0.5]


def test_strings_are_bytes():
    for value in (np.array(["a", "é", ""]), np.array([b"a", "é".encode(), b""], object)):
        output = there_and_back(value)
        assert output.datatype == "BYTES"
        assert output.as_flat() == [b"a", "é".encode(), b""]
    assert there_and_back(["a", b"b"], "BYTES").as_flat() == [b"a", b"b"]
    with pytest.raises(TypeError):
        there_and_back(np.array([1, "a"], object))
    with pytest.raises(TypeError):
        there_and_back(["a"], "BYTES").as_torch()


def test_bfloat16_is_rounded_to_the_nearest_even():
    ones = [1.0, 1.00390625, 1.01171875, -1.00390625, float("inf"), float("nan"), 3.4e38]
    back = np.asarray(there_and_back(ones, "BF16").as_numpy(), np.float32)
    np.testing.assert_array_equal(back, np.array([1.0, 1.0, 1.015625, -1.0, np.inf, np.nan, np.inf], np.float32))


def test_bits_are_bfloat16_only_where_the_model_says_so():
    bits = np.array([0x3F80], np.uint16)
    assert there_and_back(bits, "BF16").datatype == "BF16"
    assert there_and_back(bits, "UINT16").datatype == "UINT16"
    assert there_and_back(bits).datatype == "UINT16"


def test_lists_need_the_models_datatype():
    with pytest.raises(TypeError, match="not known"):
        there_and_back([1, 2])
    with pytest.raises(ValueError, match="ragged"):
        there_and_back([[1], [2, 3]], "FP32")
    with pytest.raises(TypeError):
        there_and_back([1], "BOOL")
    with pytest.raises(TypeError):
        there_and_back([None], "FP32")
    with pytest.raises(TypeError):
        there_and_back([2**70], "INT64")
    with pytest.raises(ValueError):
        there_and_back([-1], "UINT64")
    assert there_and_back([2**64 - 1], "UINT64").as_flat() == [2**64 - 1]
    assert there_and_back([], "FP32").shape == (0,)


def test_unaligned_memory_is_copied_into_place():
    raw = np.frombuffer(b"\0" + np.arange(3, dtype=np.float64).tobytes(), np.uint8)[1:]
    array = Output("x", "FP64", (3,), raw).as_numpy()
    assert array.flags.aligned and array.tolist() == [0, 1, 2]


def test_torch_gets_types_that_it_has():
    torch = pytest.importorskip("torch")
    assert there_and_back(np.array([65535], np.uint16)).as_torch().dtype == torch.int32
    assert there_and_back(np.array([2**32 - 1], np.uint32)).as_torch().tolist() == [2**32 - 1]
    assert there_and_back(np.array([5], np.uint64)).as_torch().dtype == torch.int64
    with pytest.raises(TypeError, match="UINT64"):
        there_and_back(np.array([2**63], np.uint64)).as_torch()


def test_numpy_reads_an_output_as_an_array():
    output = there_and_back(np.arange(4, dtype=np.float32))
    assert np.asarray(output).sum() == 6
    assert np.asarray(output, dtype=np.int64).dtype == np.int64
