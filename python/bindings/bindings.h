// What the binding files share. Each file binds one header of the client and is called once, by module.cc.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/live_transcription.h"

namespace blindai::python {

void BindVerdict(nanobind::module_& module);
void BindModelListing(nanobind::module_& module);
void BindConnectionRecord(nanobind::module_& module);
void BindLiveTranscription(nanobind::module_& module);
void BindClient(nanobind::module_& module);

// What a live session is asked for; throws ValueError where a word is wrong. Needs the GIL.
client::LiveOptions MakeLiveOptions(std::optional<std::string> model, std::optional<std::string> language,
                                    std::vector<std::string> keywords, const std::string& encoding,
                                    int rate_hz, std::optional<int> silence_ms, double threshold,
                                    bool partials, std::optional<std::string> prompt,
                                    const std::optional<std::string>& delay);

// Throws the Python exception of an error (blindai/errors.py). `verdict` is an object or None. Needs the GIL.
[[noreturn]] void Raise(const base::Error& error, nanobind::object verdict = nanobind::none());

// Whether the call on this thread may go on: false once a signal handler or a callback has raised. Takes the
// GIL itself.
bool MayGoOn();
// Keeps a Python exception that a callback raised on this thread; the call ends, and ThrowPending throws it.
// Needs the GIL.
void KeepPending(nanobind::python_error& error);
// Throws what a signal handler or a callback raised while a call ran, if anything. Needs the GIL.
void ThrowPending();

}  // namespace blindai::python
