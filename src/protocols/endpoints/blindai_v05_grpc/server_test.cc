// A real channel on loopback, with real workers behind it.
#include "protocols/endpoints/blindai_v05_grpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include "base/clock.h"
#include "channel/legacy_identity.h"
#include "crypto/digest.h"
#include "protocols/endpoints/blindai_v05_grpc/attestation_calls.h"
#include "protocols/endpoints/blindai_v05_grpc/exchange_calls.h"
#include "securedexchange.grpc.pb.h"
#include "support/onnx_builder.h"
#include "support/paths.h"
#include "untrusted.grpc.pb.h"

namespace blindai::endpoints {
namespace {

using securedexchange::RunModelRequest;
using securedexchange::SendModelRequest;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kMaxModelBytes = 100'000;
constexpr std::size_t kMaxTensorBytes = 16 << 20;

// y = left - right, for any number of numbers.
std::string Model() {
  tests::OnnxGraph graph;
  graph.Input("left", tests::kOnnxFloat, {"n"}).Input("right", tests::kOnnxFloat, {"n"});
  graph.Output("y", tests::kOnnxFloat, {"n"});
  graph.Node(tests::OnnxNode("Sub", {"left", "right"}, {"y"}));
  return std::string(base::AsText(tests::OnnxModel(graph).Opset(17).Bytes()));
}

std::string LongModel() { return std::string(base::AsText(tests::LongModel())); }
constexpr int kLong = 10'000;

std::string Floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string Sha256Of(std::string_view bytes) {
  return std::string(base::AsText(crypto::Sha256(base::AsBytes(bytes)).view()));
}

// Tokens "anna" and "bert" are users, "reader" may only run, no token is anybody, another one is wrong.
base::Result<service::Caller> Identify(std::optional<std::string_view> token) {
  if (!token) return service::Caller::AnonymousWithAllRights();
  if (*token == "anna") return service::Caller{"anna", 1, true, true};
  if (*token == "bert") return service::Caller{"bert", 2, true, true};
  if (*token == "reader") return service::Caller{"reader", 3, false, true};
  return base::MakeError(base::ErrorKind::kUnauthorized, "bad-credentials", "the token is not valid");
}

service::LegacyQuote Quote() {
  service::LegacyQuote quote;
  quote.quote = {1, 2, 3};
  quote.collateral.tcb_info = "{}";
  quote.collateral.pck_certificate = "leaf";
  return quote;
}

class BlindaiV05Test : public ::testing::Test {
 protected:
  ~BlindaiV05Test() override {
    if (server_) server_->Stop(std::chrono::milliseconds(0));
    for (const auto& served : catalogue_.RemoveAll()) {
      std::promise<void> stopped;
      served->host->Stop([&] { stopped.set_value(); });
      stopped.get_future().wait();
    }
  }

  void Start(service::LegacyEvidence::Attest attest = {},
             std::chrono::milliseconds idle = std::chrono::minutes(1)) {
    evidence_ =
        std::make_unique<service::LegacyEvidence>(std::move(attest), std::chrono::seconds(60), queue_);
    BlindaiV05Options options;
    options.untrusted = {"127.0.0.1:0", untrusted_.certificate().ToPem(), untrusted_.key().ToPem()};
    options.attested = {"127.0.0.1:0", identity_.certificate().ToPem(), identity_.key().ToPem()};
    options.certificate_der = identity_.certificate().der();
    options.identify = Identify;
    options.sign = [this](base::ByteView payload) { return identity_.result_key().SignEd25519(payload); };
    options.simulation = true;
    options.upload.max_model_bytes = kMaxModelBytes;
    options.upload.worker.worker_program = tests::ProgramsDir() / "blindai-worker";
    options.max_tensor_bytes = kMaxTensorBytes;
    options.receive_idle = idle;
    auto server = BlindaiV05Server::Start(catalogue_, *evidence_, std::move(options));
    BLINDAI_CHECK(server.ok());
    server_ = std::move(server).value();
    attestation_ =
        untrusted::Attestation::NewStub(Channel(server_->untrusted_port(), untrusted_.certificate().ToPem()));
    exchange_ = securedexchange::Exchange::NewStub(
        Channel(server_->attested_port(), identity_.certificate().ToPem()));
  }
  static std::shared_ptr<grpc::Channel> Channel(int port, const std::string& root_pem) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("blindai-srv");
    arguments.SetMaxReceiveMessageSize(1 << 23);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port),
        grpc::SslCredentials({.pem_root_certs = root_pem, .pem_private_key = "", .pem_cert_chain = ""}),
        arguments);
  }

  static SendModelRequest UploadMessage(std::string data, std::uint64_t length, const std::string& id) {
    SendModelRequest message;
    message.set_data(std::move(data));
    message.set_length(length);
    message.set_model_id(id);
    message.set_sign(true);
    message.set_save_model(true);
    return message;
  }
  grpc::Status Send(const std::vector<SendModelRequest>& messages, const std::string& token = "") {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("accesstoken", token);
    upload_reply_.Clear();
    const auto writer = exchange_->SendModel(&context, &upload_reply_);
    for (const SendModelRequest& message : messages)
      if (!writer->Write(message)) break;
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status Upload(const std::string& id, const std::string& token = "",
                      const std::string& model = Model()) {
    std::vector<SendModelRequest> messages;
    for (std::size_t at = 0; at < model.size(); at += 100)
      messages.push_back(UploadMessage(model.substr(at, 100), model.size(), id));
    return Send(messages, token);
  }

  static RunModelRequest RunMessage(const std::string& id, int index, const std::string& data, int count) {
    RunModelRequest message;
    message.set_model_id(id);
    message.set_sign(true);
    securedexchange::TensorData& tensor = *message.add_input_tensors();
    tensor.mutable_info()->add_dims(count);
    tensor.mutable_info()->set_index(index);
    tensor.set_bytes_data(data);
    return message;
  }
  grpc::Status Run(const std::vector<RunModelRequest>& messages, const std::string& token = "") {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("accesstoken", token);
    run_reply_.Clear();
    const auto writer = exchange_->RunModel(&context, &run_reply_);
    for (const RunModelRequest& message : messages)
      if (!writer->Write(message)) break;
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status Run(const std::string& id, const std::string& token = "") {
    return Run({RunMessage(id, 0, Floats({3, 5}), 2), RunMessage(id, 1, Floats({1, 7}), 2)}, token);
  }
  grpc::Status Delete(const std::string& id, const std::string& token = "") {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("accesstoken", token);
    securedexchange::DeleteModelRequest request;
    request.set_model_id(id);
    securedexchange::DeleteModelReply reply;
    return exchange_->DeleteModel(&context, request, &reply);
  }
  template <typename Reply>
  securedexchange::Payload SignedPayload(const Reply& reply) {
    EXPECT_TRUE(identity_.result_key().public_key().VerifyEd25519(base::AsBytes(reply.payload()),
                                                                  base::AsBytes(reply.signature())));
    securedexchange::Payload payload;
    EXPECT_TRUE(payload.ParseFromString(reply.payload()));
    return payload;
  }

  const channel::LegacyIdentity identity_ = channel::LegacyIdentity::Make(base::Now());
  const channel::LegacyIdentity untrusted_ = channel::LegacyIdentity::Make(base::Now());
  std::atomic<int> lookups_ = 0;
  service::ModelCatalogue catalogue_{{.now = [this] {
    ++lookups_;
    return base::Now();
  }}};
  service::AttestationQueue queue_{{}};
  std::unique_ptr<service::LegacyEvidence> evidence_;
  std::unique_ptr<BlindaiV05Server> server_;
  std::unique_ptr<untrusted::Attestation::Stub> attestation_;
  std::unique_ptr<securedexchange::Exchange::Stub> exchange_;
  securedexchange::SendModelReply upload_reply_;
  securedexchange::RunModelReply run_reply_;
};

TEST_F(BlindaiV05Test, TheUntrustedPortNamesVersionAndCertificate) {
  Start();
  grpc::ClientContext first, second;
  untrusted::GetServerInfoReply info;
  ASSERT_TRUE(attestation_->GetServerInfo(&first, {}, &info).ok());
  EXPECT_THAT(info.version(), testing::MatchesRegex("0\\.5\\.[0-9]+"));  // fault 29: at most three parts
  untrusted::GetCertificateReply certificate;
  ASSERT_TRUE(attestation_->GetCertificate(&second, {}, &certificate).ok());
  EXPECT_EQ(base::CopyBytes(base::AsBytes(certificate.enclave_tls_certificate())),
            identity_.certificate().der());
}

TEST_F(BlindaiV05Test, WithoutAGenuineQuoteThePreconditionFails) {
  Start();
  grpc::ClientContext context;
  untrusted::GetSgxQuoteWithCollateralReply reply;
  EXPECT_EQ(attestation_->GetSgxQuoteWithCollateral(&context, {}, &reply).error_code(),
            grpc::FAILED_PRECONDITION);
}

TEST_F(BlindaiV05Test, AQuoteComesWithCollateralAndCertificate) {
  Start([](service::AttestationQueue::Deadline) { return base::Result(Quote()); });
  grpc::ClientContext context;
  untrusted::GetSgxQuoteWithCollateralReply reply;
  ASSERT_TRUE(attestation_->GetSgxQuoteWithCollateral(&context, {}, &reply).ok());
  EXPECT_EQ(reply.quote(), "\1\2\3");
  EXPECT_EQ(reply.collateral().version(), 3u);
  EXPECT_EQ(reply.collateral().tcb_info(), "{}");
  EXPECT_EQ(reply.collateral().pck_certificate(), "leaf");
  EXPECT_EQ(base::CopyBytes(base::AsBytes(reply.enclave_held_data())), identity_.certificate().der());
}

// Fault 19 of the original.
TEST_F(BlindaiV05Test, AFailedQuoteFailsThatCallOnly) {
  int calls = 0;
  Start([&calls](service::AttestationQueue::Deadline) -> base::Result<service::LegacyQuote> {
    if (++calls == 1)
      return base::MakeError(base::ErrorKind::kUnavailable, "collateral-missing", "no collateral");
    return Quote();
  });
  grpc::ClientContext first, second;
  untrusted::GetSgxQuoteWithCollateralReply reply;
  EXPECT_EQ(attestation_->GetSgxQuoteWithCollateral(&first, {}, &reply).error_code(), grpc::UNAVAILABLE);
  EXPECT_TRUE(attestation_->GetSgxQuoteWithCollateral(&second, {}, &reply).ok());
}

TEST_F(BlindaiV05Test, UploadRunAndDelete) {
  Start();
  ASSERT_TRUE(Upload("sub").ok());
  const securedexchange::Payload uploaded = SignedPayload(upload_reply_);
  EXPECT_EQ(uploaded.send_model_payload().model_id(), "sub");
  EXPECT_EQ(uploaded.send_model_payload().model_hash(), Sha256Of(Model()));
  EXPECT_TRUE(uploaded.send_model_payload().simulation());

  // Each tensor in two pieces.
  ASSERT_TRUE(Run({RunMessage("sub", 0, Floats({3}), 2), RunMessage("sub", 0, Floats({5}), 2),
                   RunMessage("sub", 1, Floats({1}), 2), RunMessage("sub", 1, Floats({7}), 2)})
                  .ok());
  const securedexchange::Payload ran = SignedPayload(run_reply_);
  EXPECT_GT(ran.header().issued_at().seconds(), 1'600'000'000);
  EXPECT_EQ(ran.run_model_payload().input_hash(), Sha256Of(Floats({3, 5, 1, 7})));
  EXPECT_EQ(ran.run_model_payload().model_hash(), Sha256Of(Model()));
  EXPECT_EQ(ran.run_model_payload().model_id(), "sub");
  EXPECT_EQ(ran.run_model_payload().input_infos_size(), 2);
  ASSERT_EQ(ran.run_model_payload().output_tensors_size(), 1);
  EXPECT_EQ(ran.run_model_payload().output_tensors(0).bytes_data(), Floats({2, -2}));

  EXPECT_TRUE(Delete("sub").ok());
  EXPECT_EQ(Run("sub").error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Delete("sub").error_code(), grpc::NOT_FOUND);  // fault 10
}

TEST_F(BlindaiV05Test, AnUploadWithoutAnyNameGetsAnIdThatNobodyCanGuess) {
  Start();
  ASSERT_TRUE(Upload("").ok());
  const std::string id = SignedPayload(upload_reply_).send_model_payload().model_id();
  EXPECT_EQ(id.size(), 36u);
  EXPECT_TRUE(Run(id).ok());
}

// Faults 1, 2 and 3 of the original.
TEST_F(BlindaiV05Test, TheDeclaredLengthIsAPromiseAndTheLimitCountsWhatCame) {
  Start();
  const std::string model = Model();
  EXPECT_THAT(Send({UploadMessage(model, std::uint64_t{1} << 62, "m")}).error_message(),
              EndsWith("(model-too-large)"));
  EXPECT_THAT(Send({UploadMessage(model, kMaxModelBytes + 1, "m")}).error_message(),
              EndsWith("(model-too-large)"));
  EXPECT_THAT(Send({UploadMessage(model, model.size() + 1, "m")}).error_message(), Not(testing::IsEmpty()));
  EXPECT_THAT(Send({UploadMessage(model, model.size() - 1, "m")}).error_message(),
              EndsWith("(upload-length)"));
  EXPECT_THAT(Send({UploadMessage(model, 0, "m")}).error_message(), EndsWith("(length-missing)"));
  EXPECT_THAT(Send({}).error_message(), EndsWith("(no-data)"));
  EXPECT_EQ(catalogue_.size(), 0u);
  EXPECT_EQ(catalogue_.uploads(), 0u);
  EXPECT_TRUE(Upload("m").ok());
}

// Faults 7 and 9 of the original.
TEST_F(BlindaiV05Test, ABrokenModelOrIdLeavesNothingBehind) {
  Start();
  EXPECT_EQ(Upload("m", "", std::string(500, 'x')).error_code(), grpc::INVALID_ARGUMENT);
  for (const char* id : {"../m", "/m", "a\\b", "a/b/c", "m\n", ".."})
    EXPECT_EQ(Upload(id).error_code(), grpc::INVALID_ARGUMENT) << id;
  EXPECT_EQ(catalogue_.size() + catalogue_.uploads(), 0u);
  EXPECT_TRUE(Upload("m").ok());
}

// Fault 12 of the original.
TEST_F(BlindaiV05Test, AnUploadOverTheQuotaIsRefusedAndDeletesNothing) {
  Start();
  for (int i = 0; i < 16; ++i) {
    const auto place = catalogue_.Reserve(service::Caller{"anna", 1, true, true},
                                          *vocabulary::ModelId::Parse("m" + std::to_string(i)));
    catalogue_.Publish(**place,
                       {.id = *vocabulary::ModelId::Parse("m" + std::to_string(i)),
                        .owner = "anna",
                        .sha256 = "",
                        .created = {},
                        .signature = {}},
                       nullptr);
  }
  EXPECT_EQ(Upload("one-more", "anna").error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(catalogue_.size(), 16u);
  catalogue_.RemoveAll();
}

// Faults 4, 15, 16 and 20 of the original.
TEST_F(BlindaiV05Test, WrongInputsAreClearErrorsAndTheServerGoesOn) {
  Start();
  ASSERT_TRUE(Upload("sub").ok());
  const std::string two = Floats({1, 2});
  EXPECT_THAT(Run({RunMessage("sub", 0, two, 2)}).error_message(), EndsWith("(tensor-count)"));
  EXPECT_THAT(Run({RunMessage("sub", 0, two, 3), RunMessage("sub", 1, two, 2)}).error_message(),
              EndsWith("(tensor-size)"));
  EXPECT_THAT(Run({RunMessage("sub", 0, two, -2)}).error_message(), EndsWith("(tensor-shape)"));
  EXPECT_THAT(Run(std::vector<RunModelRequest>{}).error_message(), EndsWith("(no-data)"));
  EXPECT_THAT(
      Run({RunMessage("sub", 0, "", kMaxTensorBytes / 4 + 1), RunMessage("sub", 1, two, 2)}).error_message(),
      EndsWith("(tensor-size)"));
  RunModelRequest unknown_name = RunMessage("sub", 0, two, 2);
  unknown_name.mutable_input_tensors(0)->mutable_info()->set_index_name("middle");
  RunModelRequest known_name = RunMessage("sub", 1, two, 2);
  known_name.mutable_input_tensors(0)->mutable_info()->set_index_name("left");
  EXPECT_THAT(Run({unknown_name, known_name}).error_message(), EndsWith("(tensor-name)"));
  EXPECT_THAT(Run({known_name, RunMessage("sub", 2, two, 2)}).error_message(), EndsWith("(tensor-name)"));
  const grpc::Status too_few = Run({RunMessage("sub", 0, two, 2)});
  EXPECT_THAT(too_few.error_message(), Not(HasSubstr("/")));
  EXPECT_TRUE(Run("sub").ok());
}

// Fault 16 of the original.
TEST_F(BlindaiV05Test, NamedInputsMayComeInAnyOrder) {
  Start();
  ASSERT_TRUE(Upload("sub").ok());
  RunModelRequest right = RunMessage("sub", 0, Floats({1, 7}), 2);
  right.mutable_input_tensors(0)->mutable_info()->set_index_name("right");
  RunModelRequest left = RunMessage("sub", 1, Floats({3, 5}), 2);
  left.mutable_input_tensors(0)->mutable_info()->set_index_name("left");
  ASSERT_TRUE(Run({right, left}).ok());
  EXPECT_EQ(SignedPayload(run_reply_).run_model_payload().output_tensors(0).bytes_data(), Floats({2, -2}));
}

TEST_F(BlindaiV05Test, AnAnswerThatAClientCouldNotReceiveIsAClearError) {
  Start();
  ASSERT_TRUE(Upload("sub").ok());
  const int count = (8 << 20) / 4;  // 8 MiB of output
  std::vector<RunModelRequest> messages;
  const std::string piece(1 << 19, '\0');
  for (int input = 0; input < 2; ++input)
    for (std::size_t at = 0; at < std::size_t{8} << 20; at += piece.size())
      messages.push_back(RunMessage("sub", input, piece, count));
  const grpc::Status status = Run(messages);
  EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), EndsWith("(reply-too-large)"));
}

// Fault 10 of the original, and the access table of fault 11.
TEST_F(BlindaiV05Test, UsersHaveTheirOwnModelsUnderBothNames) {
  Start();
  ASSERT_TRUE(Upload("sub", "anna").ok());
  for (const char* token : {"anna", "bert", "reader", ""}) {
    EXPECT_TRUE(Run("sub", token).ok());
    EXPECT_TRUE(Run("anna/sub", token).ok());
  }
  EXPECT_EQ(Delete("sub", "bert").error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Delete("anna/sub").error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(Upload("sub", "bert").error_code(), grpc::ALREADY_EXISTS);
  EXPECT_EQ(Upload("anna/other", "bert").error_code(), grpc::PERMISSION_DENIED);
  EXPECT_EQ(Upload("other", "reader").error_code(), grpc::PERMISSION_DENIED);
  EXPECT_TRUE(Delete("anna/sub", "anna").ok());
}

// The same status and text after the same steps, by each name of the model; also of a model that others may run.
TEST_F(BlindaiV05Test, WhatIsNotTheirsIsAnsweredAsWhatDoesNotExist) {
  Start();
  ASSERT_TRUE(Upload("shared", "anna").ok());
  service::UploadOptions options;
  options.worker.worker_program = tests::ProgramsDir() / "blindai-worker";
  auto upload = service::ModelUpload::Begin(
      catalogue_, options, {"anna", 1, true, true},
      {.id = *vocabulary::ModelId::Parse("secret"), .visibility = service::Visibility::kPrivate});
  ASSERT_TRUE(upload.ok());
  ASSERT_TRUE((*upload)->Feed(base::AsBytes(Model())).ok());
  std::promise<bool> done;
  service::ModelUpload::Finish(std::move(upload).value(), [&](auto record) { done.set_value(record.ok()); });
  ASSERT_TRUE(done.get_future().get());

  const auto expect_same = [&](const std::string& theirs, const auto& ask) {
    const std::string unknown = std::string(theirs).replace(theirs.size() - 6, 6, "xxxxxx");
    const int start = lookups_;
    const grpc::Status one = ask(theirs);
    const int between = lookups_;
    const grpc::Status other = ask(unknown);
    EXPECT_EQ(between - start, lookups_ - between) << theirs;
    EXPECT_EQ(one.error_code(), grpc::NOT_FOUND) << theirs;
    EXPECT_EQ(other.error_code(), grpc::NOT_FOUND) << theirs;
    std::string text = one.error_message();
    const std::size_t at = text.find(theirs);
    if (at != std::string::npos) text.replace(at, theirs.size(), unknown);
    EXPECT_EQ(text, other.error_message());
    EXPECT_EQ(one.error_details(), other.error_details());
  };
  for (const std::string user : {"", "anna/", "bert/"}) {
    expect_same(user + "secret", [&](const std::string& id) { return Run(id, "bert"); });
    for (const char* model : {"secret", "shared"})
      expect_same(user + model, [&](const std::string& id) { return Delete(id, "bert"); });
  }
  EXPECT_EQ(Delete("shared", "reader").error_code(), grpc::PERMISSION_DENIED);
  EXPECT_EQ(Delete("unknown", "reader").error_code(), grpc::PERMISSION_DENIED);
}

TEST_F(BlindaiV05Test, AWrongTokenIsRefusedOnEveryCall) {
  Start();
  EXPECT_EQ(Upload("m", "wrong").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Run("m", "wrong").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Delete("m", "wrong").error_code(), grpc::UNAUTHENTICATED);
}

// Fault 24 of the original.
TEST_F(BlindaiV05Test, AnUploadThatIsGivenUpLeavesNothingBehind) {
  Start();
  {
    grpc::ClientContext context;
    const auto writer = exchange_->SendModel(&context, &upload_reply_);
    ASSERT_TRUE(writer->Write(UploadMessage(Model().substr(0, 50), Model().size(), "m")));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED);
  }
  // The server hears of it a moment later; from then on the id is free.
  grpc::Status status = Upload("m");
  while (status.error_code() == grpc::ALREADY_EXISTS) status = Upload("m");
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(BlindaiV05Test, ARunThatIsGivenUpIsStopped) {
  Start();
  ASSERT_TRUE(Upload("long", "", LongModel()).ok());
  const auto served = catalogue_.Find(service::Caller{}, *vocabulary::ModelId::Parse("long"));
  ASSERT_TRUE(served.ok());
  const auto queued = [&served] { return (*served)->host->stats().queued; };
  RunModelRequest message = RunMessage("long", 0, Floats(std::vector<float>(kLong, 0.5F)), kLong);
  message.mutable_input_tensors(0)->mutable_info()->add_dims(1);

  grpc::ClientContext context;
  const auto writer = exchange_->RunModel(&context, &run_reply_);
  ASSERT_TRUE(writer->Write(message));
  writer->WritesDone();
  while (queued() == 0) std::this_thread::yield();
  context.TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED);
  while (queued() != 0) std::this_thread::yield();
  EXPECT_EQ((*served)->host->stats().runs, 0u);
}

TEST_F(BlindaiV05Test, AClientThatFallsSilentIsCancelled) {
  Start({}, std::chrono::milliseconds(50));
  grpc::ClientContext context;
  const auto writer = exchange_->SendModel(&context, &upload_reply_);
  ASSERT_TRUE(writer->Write(UploadMessage(Model().substr(0, 50), Model().size(), "m")));
  EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED);
}

TEST_F(BlindaiV05Test, TheServerStopsWhileACallIsOpen) {
  Start();
  grpc::ClientContext context;
  const auto writer = exchange_->RunModel(&context, &run_reply_);
  ASSERT_TRUE(writer->Write(RunMessage("m", 0, Floats({1}), 2)));
  server_->Stop(std::chrono::milliseconds(0));
  EXPECT_FALSE(writer->Finish().ok());
}

TEST_F(BlindaiV05Test, AMessageFarLargerThanAPieceIsRefused) {
  Start();
  EXPECT_EQ(Send({UploadMessage(std::string(2 << 20, 'x'), 2 << 20, "m")}).error_code(),
            grpc::RESOURCE_EXHAUSTED);
}

TEST_F(BlindaiV05Test, APortThatIsTakenIsAnError) {
  Start();
  const std::string taken = "127.0.0.1:" + std::to_string(server_->attested_port());
  BlindaiV05Options options;
  options.untrusted = {"127.0.0.1:0", untrusted_.certificate().ToPem(), untrusted_.key().ToPem()};
  options.attested = {taken, identity_.certificate().ToPem(), identity_.key().ToPem()};
  EXPECT_EQ(BlindaiV05Server::Start(catalogue_, *evidence_, std::move(options)).error().code, "listen");
}

}  // namespace
}  // namespace blindai::endpoints
