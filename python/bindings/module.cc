// The extension module blindai._native. Its Python face, with types and documentation, is python/blindai/.
#include "bindings.h"

NB_MODULE(_native, module) {
  blindai::python::BindVerdict(module);
  blindai::python::BindModelListing(module);
  blindai::python::BindConnectionRecord(module);
  blindai::python::BindLiveTranscription(module);
  blindai::python::BindClient(module);
}
