// Binds client/live_transcription.h. Every call runs without the GIL; `next` looks at Python's signals about ten times
// a second, so that Ctrl-C ends it.
#include "client/live_transcription.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "bindings.h"

namespace blindai::python {
namespace nb = nanobind;
using namespace nb::literals;
using client::LiveTranscription;

namespace {

using ByteArray = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// (word, start, end, confidence)
nb::list WordList(const std::vector<vocabulary::Word>& words) {
  nb::list list;
  for (const vocabulary::Word& word : words) {
    list.append(nb::make_tuple(word.text, word.start_s, word.end_s, word.confidence));
  }
  return list;
}

// An event as (kind, item, value).
nb::tuple EventTuple(const client::LiveEvent& event) {
  if (const auto* one = std::get_if<wire::ItemStarted>(&event)) {
    return nb::make_tuple("started", one->item_id, one->start_s);
  }
  if (const auto* one = std::get_if<wire::ItemStopped>(&event)) {
    return nb::make_tuple("stopped", one->item_id, one->end_s);
  }
  if (const auto* one = std::get_if<wire::ItemDelta>(&event)) {
    return nb::make_tuple("delta", one->item_id, one->text);
  }
  if (const auto* one = std::get_if<wire::ItemPartial>(&event)) {
    return nb::make_tuple("partial", one->item_id, one->text);
  }
  if (const auto* one = std::get_if<wire::ItemCompleted>(&event)) {
    return nb::make_tuple(
        "final", one->item_id,
        nb::make_tuple(one->text, one->start_s, one->end_s, one->latency_s, WordList(one->words)));
  }
  const auto& failed = std::get<wire::ItemFailed>(event);
  return nb::make_tuple("failed", failed.item_id, nb::make_tuple(failed.error.message, failed.error.code));
}

template <typename Call>
void Say(Call call) {
  const base::Status said = [&] {
    const nb::gil_scoped_release no_gil;
    return call();
  }();
  if (!said.ok()) Raise(said.error());
}

// None at the end.
nb::object Next(LiveTranscription& self) {
  auto event = [&] {
    const nb::gil_scoped_release no_gil;
    return self.Next();
  }();
  ThrowPending();
  if (!event.ok()) Raise(event.error());
  if (!*event) return nb::none();
  return EventTuple(**event);
}

}  // namespace

client::LiveOptions MakeLiveOptions(std::optional<std::string> model, std::optional<std::string> language,
                                    std::vector<std::string> keywords, const std::string& encoding,
                                    int rate_hz, std::optional<int> silence_ms, double threshold,
                                    bool partials, std::optional<std::string> prompt,
                                    const std::optional<std::string>& delay) {
  client::LiveOptions options;
  wire::RealtimeSettings& settings = options.settings;
  settings.model = std::move(model).value_or("");
  settings.language = std::move(language).value_or("");
  settings.keywords = std::move(keywords);
  const auto known = client::LiveFormatFromName(encoding, rate_hz);
  if (!known) throw nb::value_error("format must be one of pcm16, mulaw, alaw");
  settings.format = *known;
  settings.turn_detection.reset();
  if (silence_ms) {
    settings.turn_detection = wire::TurnDetection{.threshold = threshold, .silence_duration_ms = *silence_ms};
  }
  settings.partials = partials;
  settings.prompt = std::move(prompt).value_or("");
  if (delay) {
    settings.delay = wire::RealtimeDelayFromName(*delay);
    if (!settings.delay) throw nb::value_error("delay must be one of minimal, low, medium, high, xhigh");
  }
  return options;
}

void BindLiveTranscription(nb::module_& module) {
  nb::class_<LiveTranscription>(module, "LiveTranscription",
                                "The C++ session (src/client/live_transcription.h).")
      .def(
          "append",
          [](LiveTranscription& self, const ByteArray& sound) {
            Say([&] { return self.Append(base::ByteView(sound.data(), sound.size())); });
          },
          "sound"_a)
      .def("commit", [](LiveTranscription& self) { Say([&] { return self.Commit(); }); })
      .def("finish", [](LiveTranscription& self) { Say([&] { return self.Finish(); }); })
      .def("next", &Next)
      .def("cancel", &LiveTranscription::Cancel, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace blindai::python
