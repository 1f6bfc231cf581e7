#include "client/transcription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/client.h"
#include "client/failure.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::FakeAttestedServer;
using tests::SeenRequest;

ConnectOptions To(const FakeAttestedServer& server) {
  ConnectOptions options;
  options.server = {"127.0.0.1", server.port()};
  options.allow_simulation = verifier::AllowSimulation::kYes;
  return options;
}

vocabulary::Transcript Spoken() {
  vocabulary::Transcript transcript;
  transcript.segments = {{0, 1, vocabulary::kNoSpeaker, "HELLO", {}, 0},
                         {1, 2, vocabulary::kNoSpeaker, "YOU", {}, 0}};
  return transcript;
}

std::string WholeStream() {
  return wire::EncodeProgressEvent({1, 2}) + wire::EncodeSegmentEvents({}, Spoken().segments[0], 1) +
         wire::EncodeSegmentEvents({}, Spoken().segments[1], 2) + wire::EncodeDoneEvent({}, Spoken());
}

// Answers every transcription with `answer`.
FakeAttestedServer::Options Serving(std::string answer) {
  FakeAttestedServer::Options options;
  options.answer = [answer = std::move(answer)](const SeenRequest&) {
    return net::TextResponse(200, answer);
  };
  return options;
}

const FileSource kRecording = FileSource::Memory(base::AsBytes("RIFF"));

TranscribeOptions With(const std::string& model) {
  TranscribeOptions options;
  options.request.model = model;
  return options;
}

TEST(Transcription, TheAnswerIsTheDocumentAsTheServerWroteIt) {
  const FakeAttestedServer server(Serving("1\n00:00"));
  Client client(To(server));
  const auto answer = client.Transcribe(kRecording, With("demo"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->document(), "1\n00:00");
  const auto sent = server.data_requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, "/v1/audio/transcriptions");
  const std::string body(base::AsText(sent[0].body));
  EXPECT_THAT(body, HasSubstr("name=\"model\"\r\n\r\ndemo\r\n"));
  EXPECT_THAT(body, HasSubstr("name=\"file\"; filename=\"recording\""));
  EXPECT_THAT(body, HasSubstr("RIFF"));
}

TEST(Transcription, EventsComeOneByOneAndTheDocumentWithTheLast) {
  const FakeAttestedServer server(Serving(WholeStream()));
  Client client(To(server));
  std::vector<std::string> seen;
  TranscribeOptions options = With("demo");
  options.on_event = [&](const wire::TranscriptionEvent& event) {
    if (const auto* delta = std::get_if<wire::TextDelta>(&event)) seen.push_back(delta->delta);
    if (std::holds_alternative<wire::TranscriptionProgress>(event)) seen.emplace_back("progress");
    return true;
  };
  const auto answer = client.Transcribe(kRecording, options);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_THAT(seen, ElementsAre("progress", "HELLO", " YOU"));
  EXPECT_THAT(std::string(answer->document()), HasSubstr("HELLO YOU"));
  EXPECT_THAT(std::string(base::AsText(server.data_requests()[0].body)),
              HasSubstr("name=\"stream\"\r\n\r\ntrue"));
}

TEST(Transcription, ACallbackThatSaysNoEndsIt) {
  const FakeAttestedServer server(Serving(WholeStream()));
  Client client(To(server));
  TranscribeOptions options = With("demo");
  options.on_event = [](const wire::TranscriptionEvent&) { return false; };
  EXPECT_EQ(client.Transcribe(kRecording, options).error().code, "cancelled");
}

TEST(Transcription, AStreamThatEndsEarlyIsNoTranscription) {
  const std::string whole = WholeStream();
  const FakeAttestedServer server(Serving(whole.substr(0, whole.rfind("data:"))));
  Client client(To(server));
  TranscribeOptions options = With("demo");
  options.on_event = [](const wire::TranscriptionEvent&) { return true; };
  EXPECT_EQ(client.Transcribe(kRecording, options).error().code, "event-stream");
}

TEST(Transcription, AnErrorInTheStreamComesAsTheServerWordedIt) {
  const FakeAttestedServer server(
      Serving(wire::EncodeProgressEvent({1, 2}) +
              wire::EncodeErrorEvent(
                  base::MakeError(base::ErrorKind::kInvalid, "audio-truncated", "shorter", "file"))));
  Client client(To(server));
  TranscribeOptions options = With("demo");
  options.on_event = [](const wire::TranscriptionEvent&) { return true; };
  const auto answer = client.Transcribe(kRecording, options);
  EXPECT_EQ(answer.error().code, "audio-truncated");
  EXPECT_EQ(FailureOf(answer.error()), FailureKind::kModel);
}

TEST(Transcription, WithoutANameTheDefaultIsAskedForBeforeTheRecordingIsSent) {
  const FakeAttestedServer server(Serving("text"));
  Client client(To(server));
  ASSERT_TRUE(client.Transcribe(kRecording, {}).ok());
  ASSERT_EQ(server.data_requests().size(), 1u) << "nobody lists models first";
  const base::Bytes body = server.data_requests().back().body;
  const std::string_view sent = base::AsText(body);
  EXPECT_THAT(sent, HasSubstr("name=\"model\"\r\n\r\ndefault\r\n"));
  EXPECT_LT(sent.find("default"), sent.find("RIFF"));
}

TEST(Transcription, ARecordingThatCannotBeReadIsTheCallersError) {
  const FakeAttestedServer server(Serving("text"));
  Client client(To(server));
  EXPECT_EQ(FailureOf(client.Transcribe(FileSource::File("/nonexistent.wav"), With("demo")).error()),
            FailureKind::kArgument);
  EXPECT_TRUE(server.data_requests().empty());
}

}  // namespace
}  // namespace blindai::client
