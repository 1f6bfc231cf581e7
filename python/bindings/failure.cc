// Binds client/failure.h: errors become the exceptions of blindai/errors.py.
#include "client/failure.h"

#include "bindings.h"

namespace blindai::python {
namespace nb = nanobind;
namespace {

// A callback raised on this thread: its exception is in the thread state, and nothing more of Python may run
// in this call.
thread_local bool pending = false;

}  // namespace

void Raise(const base::Error& error, nb::object verdict) {
  const std::string_view kind = client::FailureName(client::FailureOf(error));
  const nb::object exception = nb::module_::import_("blindai.errors")
                                   .attr("from_native")(nb::str(kind.data(), kind.size()), error.code.c_str(),
                                                        nb::str(error.message.data(), error.message.size()),
                                                        error.param.c_str(), std::move(verdict));
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw nb::python_error();
}

bool MayGoOn() {
  const nb::gil_scoped_acquire gil;
  if (pending) return false;
  pending = PyErr_CheckSignals() != 0;
  return !pending;
}

void KeepPending(nb::python_error& error) {
  error.restore();
  pending = true;
}

void ThrowPending() {
  if (!std::exchange(pending, false)) return;
  throw nb::python_error();
}

}  // namespace blindai::python
