// Who pays for whose runs: the rule alone, and with real workers.
#include "service/charges.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <future>

#include "model/dispatcher.h"
#include "service/run_model.h"
#include "service/upload_model.h"
#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::service {
namespace {

using base::Result;
using std::chrono::seconds;
using vocabulary::ModelId;

const Caller kAnna{"anna", 1, true, true};
const Caller kBert{"bert", 2, true, true};
const Caller kClara{"clara", 3, true, true};
const Caller kNobody = Caller::AnonymousWithAllRights();

ModelId Id(std::string_view text) { return *ModelId::Parse(text); }

ModelRecord AnnasModel(Visibility visibility) {
  return {.id = Id("m"), .owner = "anna", .visibility = visibility, .created = {}, .signature = {}};
}

TEST(PayerOf, IsTheOwnerOfWhatIsSharedByLinkAndElseTheCaller) {
  EXPECT_EQ(PayerOf(kBert, AnnasModel(Visibility::kLink)), "anna");
  EXPECT_EQ(PayerOf(kNobody, AnnasModel(Visibility::kLink)), "anna");
  EXPECT_EQ(PayerOf(kAnna, AnnasModel(Visibility::kLink)), "anna");
  EXPECT_EQ(PayerOf(kAnna, AnnasModel(Visibility::kPrivate)), "anna");
  for (const auto visibility : {Visibility::kTenants, Visibility::kPublic}) {
    EXPECT_EQ(PayerOf(kBert, AnnasModel(visibility)), "bert");
    EXPECT_EQ(PayerOf(kNobody, AnnasModel(visibility)), "anonymous");
  }
}

TEST(PayerOf, IsTheCallerOfAnOperatorsModelHoweverItIsShared) {
  ModelRecord record = AnnasModel(Visibility::kLink);
  record.owner = kOperator;
  record.is_operators = true;
  EXPECT_EQ(PayerOf(kBert, record), "bert");
}

TEST(Charges, TheOwnersAccountIsTheSameWhoeverRunsOnIt) {
  Charges charges({.weights = {{"anna", 4}, {"bert", 2}}});
  const auto addressed = [&](const Caller& caller, Visibility visibility) {
    model::RunRequest run;
    charges.Address(run, caller, AnnasModel(visibility));
    return run;
  };
  const auto own = addressed(kAnna, Visibility::kPrivate);
  const auto strangers = addressed(kBert, Visibility::kLink);
  EXPECT_EQ(own.payer, strangers.payer);
  EXPECT_EQ(strangers.weight, 4) << "the owner's, not the caller's";
  EXPECT_EQ(strangers.caller, kBert.number) << "workers are parted by who asks";
  const auto berts = addressed(kBert, Visibility::kPublic);
  EXPECT_NE(berts.payer, own.payer);
  EXPECT_EQ(berts.weight, 2);
  EXPECT_EQ(addressed(kClara, Visibility::kPublic).weight, 1);
}

TEST(Charges, RequestsPerMinuteAreThePayers) {
  auto now = std::chrono::steady_clock::time_point(seconds(1'000));
  Charges charges({.requests_per_minute = 3, .now = [&now] { return now; }});
  const ModelRecord linked = AnnasModel(Visibility::kLink);
  const ModelRecord open = AnnasModel(Visibility::kPublic);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(charges.CountRequest(kNobody, linked).ok());
  for (const Caller& caller : {kNobody, kBert, kAnna}) {
    const base::Status refused = charges.CountRequest(caller, linked);
    ASSERT_FALSE(refused.ok()) << caller.tenant;
    EXPECT_EQ(refused.error().code, "rate-limited");
    EXPECT_EQ(refused.error().kind, base::ErrorKind::kExhausted);
    EXPECT_EQ(refused.error().retry_after_s, 20);
  }
  EXPECT_FALSE(charges.CountRequest(kAnna, open).ok()) << "on the same account";
  EXPECT_TRUE(charges.CountRequest(kBert, open).ok());
  EXPECT_TRUE(charges.CountRequest(kNobody, open).ok());
  now += seconds(20);
  EXPECT_TRUE(charges.CountRequest(kNobody, linked).ok());
  EXPECT_FALSE(charges.CountRequest(kNobody, linked).ok());
}

TEST(Charges, WithoutALimitNothingIsCounted) {
  Charges charges({});
  for (int i = 0; i < 10'000; ++i)
    ASSERT_TRUE(charges.CountRequest(kNobody, AnnasModel(Visibility::kLink)).ok());
}

// ---- with workers

// y = x + x, for two numbers.
base::Bytes DoublingModel() {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Node(tests::OnnxNode("Add", {"x", "x"}, {"y"}));
  return tests::OnnxModel(graph).Opset(17).Bytes();
}

class AccountsTest : public ::testing::Test {
 protected:
  using Answer = std::future<Result<RunDone>>;

  AccountsTest() {
    options_.worker.worker_program = tests::ProgramsDir() / "blindai-worker";
    options_.worker.dispatcher = model::Dispatcher::Make({.cores = 2, .queued_per_tenant = 3});
  }
  ~AccountsTest() override {
    for (const auto& served : catalogue_.RemoveAll()) {
      std::promise<void> stopped;
      served->host->Stop([&] { stopped.set_value(); });
      stopped.get_future().wait();
    }
  }
  void Upload(const Caller& owner, std::string_view id, Visibility visibility) {
    auto upload = ModelUpload::Begin(catalogue_, options_, owner, {.id = Id(id), .visibility = visibility});
    ASSERT_TRUE(upload.ok());
    ASSERT_TRUE((*upload)->Feed(DoublingModel()).ok());
    std::promise<bool> published;
    ModelUpload::Finish(std::move(*upload), [&](const auto& record) { published.set_value(record.ok()); });
    ASSERT_TRUE(published.get_future().get());
  }
  Answer Run(const Caller& caller, std::string_view id) {
    base::Bytes two(8, 0);
    std::vector<vocabulary::Tensor> inputs;
    inputs.push_back({"x", vocabulary::Datatype::kFp32, {2}, std::move(two)});
    const auto done = std::make_shared<std::promise<Result<RunDone>>>();
    RunModel(catalogue_, caller, Id(id), RunRequest::Of(std::move(inputs)),
             [done](Result<RunDone> result) { done->set_value(std::move(result)); });
    return done->get_future();
  }
  std::shared_ptr<model::ModelHost> HostOf(std::string_view id) {
    return (*catalogue_.Find(kAnna, Id(id)))->host;
  }

  UploadOptions options_;
  ModelCatalogue catalogue_{CatalogueLimits{}};
};

TEST_F(AccountsTest, AFloodOnASharedModelIsBoundedByItsOwnersQueueAndDelaysNobodyElse) {
  Upload(kAnna, "shared", Visibility::kLink);
  Upload(kAnna, "annas", Visibility::kPrivate);
  Upload(kBert, "berts", Visibility::kPrivate);
  // The worker stands still, so that what is sent to it stays where it is.
  const auto worker = static_cast<pid_t>(HostOf("shared")->stats().pid);
  ASSERT_EQ(kill(worker, SIGSTOP), 0);
  std::vector<Answer> flood;
  for (int i = 0; i < 50; ++i) flood.push_back(Run(kNobody, "shared"));
  // One computes and three wait, as many as on anybody's account.
  for (std::size_t i = 4; i < flood.size(); ++i) EXPECT_EQ(flood[i].get().error().code, "queue-full") << i;

  EXPECT_TRUE(Run(kBert, "berts").get().ok()) << "another account";
  Answer owners = Run(kAnna, "annas");
  EXPECT_EQ(Run(kNobody, "shared").get().error().code, "queue-full");

  ASSERT_EQ(kill(worker, SIGCONT), 0);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(flood[i].get().ok()) << i;
  EXPECT_TRUE(owners.get().ok()) << "the owner has nothing waiting, and is let in";
}

TEST_F(AccountsTest, OnOneAccountCallersStillNeverShareAWorker) {
  Upload(kAnna, "shared", Visibility::kLink);
  const auto host = HostOf("shared");
  EXPECT_TRUE(Run(kNobody, "shared").get().ok());
  const auto first = host->stats().pid;
  EXPECT_TRUE(Run(kNobody, "shared").get().ok());
  EXPECT_EQ(host->stats().pid, first);
  EXPECT_TRUE(Run(kAnna, "shared").get().ok());
  EXPECT_NE(host->stats().pid, first);
  EXPECT_EQ(host->stats().recycled, 1u);
  EXPECT_GT(options_.worker.dispatcher->stats().charged_starts_ms, 0);
}

}  // namespace
}  // namespace blindai::service
