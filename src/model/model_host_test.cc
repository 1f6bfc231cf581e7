#include "model/model_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "base/secret.h"
#include "model/dispatcher.h"
#include "support/onnx_builder.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using tests::Floats;
using tests::LongModel;
using tests::RunOn;
using tests::StartHost;
using tests::Until;
using tests::ValuesOf;
using vocabulary::Tensor;

std::vector<Tensor> SmallInput() {
  std::vector<Tensor> inputs;
  inputs.push_back(Floats("x", {1, 4}, {1, 1, 1, 1}));
  return inputs;
}

std::vector<Tensor> LongWork(std::int64_t n) {
  std::vector<Tensor> inputs;
  inputs.push_back(Floats("x", {n, 1}, std::vector<float>(static_cast<std::size_t>(n), 0.5F)));
  return inputs;
}
constexpr std::int64_t kLong = 12'000;

RunRequest WithDeadline(std::vector<Tensor> inputs, milliseconds time) {
  RunRequest request = RunRequest::Of(std::move(inputs));
  request.deadline = steady_clock::now() + time;
  return request;
}

// The answer of a run that goes on while the test does something else.
struct Running {
  Running(ModelHost& host, RunRequest request) {
    ticket = host.Run(std::move(request),
                      [promise = promise](auto answer) { promise->set_value(std::move(answer)); });
  }
  base::Result<RunAnswer> Wait() { return promise->get_future().get(); }
  std::shared_ptr<std::promise<base::Result<RunAnswer>>> promise =
      std::make_shared<std::promise<base::Result<RunAnswer>>>();
  ModelHost::Ticket ticket;
};

std::uint64_t CpuTicks(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return user + system;
}

// Until the worker computes: it has used processor time since `before`.
void UntilBusy(ModelHost& host, std::uint64_t before) {
  ASSERT_TRUE(Until([&] { return CpuTicks(host.stats().pid) > before + 3; }));
}

TEST(ModelHost, AnswersManyRequestsAtOnceEachWithItsOwn) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const float value = static_cast<float>(t * kEach + i);
        const auto answer = RunOn(*host, {Floats("x", {1, 4}, {value, 0, 0, 1})});
        if (answer.ok() && ValuesOf<float>(answer->outputs[0]) == std::vector<float>{3, value + 4}) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kEach);
  EXPECT_EQ(host->stats().runs, static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_EQ(host->stats().queued, 0u);
  EXPECT_EQ(host->stats().restarts, 0u);
}

TEST(ModelHost, LargeTensorsGoThereAndBackWhole) {
  auto host = *StartHost(tests::IdentityModel());
  std::vector<float> values(std::size_t{6} << 20);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 9973);
  for (int i = 0; i < 2; ++i) {
    const auto answer =
        RunOn(*host, {Floats("x", {static_cast<std::int64_t>(values.size() / 4), 4}, values)});
    ASSERT_TRUE(answer.ok()) << answer.error().code;
    EXPECT_TRUE(ValuesOf<float>(answer->outputs[0]) == values);
  }
}

TEST(ModelHost, ARequestThatDoesNotFitNeverReachesTheWorker) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  EXPECT_EQ(RunOn(*host, {Floats("q", {1, 4}, {1, 1, 1, 1})}).error().code, "tensor-name");
  EXPECT_EQ(RunOn(*host, {Floats("x", {1, 3}, {1, 1, 1})}).error().code, "tensor-shape");
  EXPECT_EQ(RunOn(*host, SmallInput(), {"nope"}).error().code, "output-name");
  EXPECT_EQ(host->stats().failures, 3u);
  EXPECT_EQ(host->stats().runs, 0u);
}

TEST(ModelHost, InputsOverTheLimitAreRefused) {
  auto options = tests::TestOptions();
  options.max_tensor_bytes = 1000;
  auto host = *StartHost(tests::IdentityModel(), options);
  EXPECT_EQ(RunOn(*host, {Floats("x", {63, 4}, std::vector<float>(252))}).error().code, "tensors-too-large");
  EXPECT_TRUE(RunOn(*host, {Floats("x", {62, 4}, std::vector<float>(248))}).ok());
}

TEST(ModelHost, OutputsOverTheLimitAreATypedError) {
  auto options = tests::TestOptions();
  options.max_tensor_bytes = 1 << 20;
  auto host = *StartHost(tests::MatMulModel(1, 1000), options);
  const auto answer = RunOn(*host, {Floats("x", {300, 1}, std::vector<float>(300, 1))});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "outputs-too-large");
  EXPECT_TRUE(RunOn(*host, {Floats("x", {100, 1}, std::vector<float>(100, 1))}).ok());
}

TEST(ModelHost, ElementsAreReleasedOnceTheyAreCopied) {
  auto host = *StartHost(tests::IdentityModel());
  auto elements = std::make_shared<base::Bytes>(16);
  const std::weak_ptr<base::Bytes> watched = elements;
  RunRequest request;
  request.inputs = {{"x", vocabulary::Datatype::kFp32, {1, 4}, *elements}};
  request.elements = std::move(elements);
  std::promise<bool> gone;
  host->Run(std::move(request), [&](auto) { gone.set_value(watched.expired()); });
  EXPECT_TRUE(gone.get_future().get());
}

// ---- crashes

TEST(ModelHost, AWorkerKilledByHandFailsOnlyTheRequestThatItRan) {
  auto host = *StartHost(LongModel());
  const auto pid = host->stats().pid;
  const auto before = CpuTicks(pid);
  Running first(*host, RunRequest::Of(LongWork(kLong)));
  UntilBusy(*host, before);
  Running second(*host, WithDeadline(LongWork(kLong), milliseconds(60'000)));
  ASSERT_EQ(kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const auto answer = first.Wait();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "worker-crashed");
  EXPECT_EQ(answer.error().kind, base::ErrorKind::kUnavailable);
  // The second one is taken up by the new worker.
  ASSERT_TRUE(Until([&] { return host->stats().pid != 0 && host->stats().pid != pid; }));
  UntilBusy(*host, CpuTicks(host->stats().pid));
  EXPECT_EQ(host->stats().restarts, 1u);
  second.ticket.Cancel();
  EXPECT_EQ(second.Wait().error().code, "cancelled");
}

TEST(ModelHost, ServesAgainAfterEachOfManyKills) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(RunOn(*host, SmallInput()).ok()) << i;
    kill(static_cast<pid_t>(host->stats().pid), SIGKILL);
    ASSERT_TRUE(Until([&] { return host->stats().restarts == static_cast<std::uint64_t>(i + 1); }));
  }
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
}

TEST(ModelHost, AnEndlessModelFailsAtTheLoadTimeOut) {
  auto options = tests::TestOptions();
  options.load_timeout_ms = 3'000;
  const auto host = StartHost(tests::EndlessLoopModel(), options);
  ASSERT_FALSE(host.ok());
  EXPECT_EQ(host.error().code, "model-load-timeout");
}

TEST(ModelHost, AStartCanBeCancelled) {
  std::promise<base::Result<std::shared_ptr<ModelHost>>> started;
  auto ticket = ModelHost::Start(tests::FileOf(tests::EndlessLoopModel()), tests::TestOptions(),
                                 [&](auto host) { started.set_value(std::move(host)); });
  ticket.Cancel();
  EXPECT_EQ(started.get_future().get().error().code, "cancelled");
}

TEST(ModelHost, AMissingWorkerProgramIsATypedError) {
  auto options = tests::TestOptions();
  options.worker_program = "/nowhere/blindai-worker";
  EXPECT_EQ(StartHost(tests::IdentityModel(), options).error().code, "worker-unavailable");
  options.worker_program = "/bin/true";  // a program that is none of ours
  EXPECT_EQ(StartHost(tests::IdentityModel(), options).error().code, "worker-unavailable");
}

#ifndef BLINDAI_SANITIZED  // no limit of address space there
TEST(ModelHost, AModelOverItsMemoryIsRefusedOrEndsItsWorker) {
  auto options = tests::TestOptions();
  options.memory_limit_bytes = std::uint64_t{64} << 20;
  options.max_tensor_bytes = std::uint64_t{1} << 20;
  const auto host = StartHost(tests::MatMulModel(4'000, 8'000), options);  // 128 MB of weights
  ASSERT_FALSE(host.ok());
  EXPECT_TRUE(host.error().code == "model-memory" || host.error().code == "model-crashed" ||
              host.error().code == "model-rejected")
      << host.error().code;
}

TEST(ModelHost, ARunOverItsMemoryFailsAndTheNextOneWorks) {
  auto options = tests::TestOptions();
  options.memory_limit_bytes = std::uint64_t{256} << 20;
  auto host = *StartHost(LongModel(), options);
  const auto fixed = RunOn(*host, LongWork(100));
  ASSERT_TRUE(fixed.ok()) << fixed.error().code;
  auto grows = *StartHost(tests::MatMulModel(1, 4'000), options);
  const auto answer = RunOn(*grows, {Floats("x", {40'000, 1}, std::vector<float>(40'000, 1))});  // 640 MB
  ASSERT_FALSE(answer.ok());
  EXPECT_TRUE(answer.error().code == "run-memory" || answer.error().code == "worker-crashed" ||
              answer.error().code == "run-failed")
      << answer.error().code;
  EXPECT_TRUE(RunOn(*grows, {Floats("x", {2, 1}, {1, 1})}).ok());
}
#endif

// ---- deadlines and cancels

TEST(ModelHost, ARunOverItsDeadlineEndsAndTheNextOneWorks) {
  auto host = *StartHost(LongModel());
  const auto begin = steady_clock::now();
  const auto answer = RunOn(*host, WithDeadline(LongWork(kLong), milliseconds(300)));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "deadline");
  EXPECT_EQ(answer.error().kind, base::ErrorKind::kDeadline);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(300));
  // A kernel that has begun cannot be interrupted: then the worker is killed and comes back (HostileRunTest,
  // silent-at-run). One that had not begun is cancelled.
  EXPECT_EQ(RunOn(*host, WithDeadline(LongWork(kLong), milliseconds(500))).error().code, "deadline");
  EXPECT_TRUE(RunOn(*host, LongWork(4)).ok());
  EXPECT_LE(host->stats().restarts, 2u);
}

TEST(ModelHost, ADeadlineThatHasPassedIsAnErrorAtOnce) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  EXPECT_EQ(RunOn(*host, WithDeadline(LongWork(4), milliseconds(-5))).error().code, "tensor-shape");
  const auto answer = RunOn(*host, WithDeadline(SmallInput(), milliseconds(-5)));
  EXPECT_TRUE(answer.ok() || answer.error().code == "deadline");
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
}

TEST(ModelHost, AWaitingRequestCanBeCancelledAndTheRunningOneGoesOn) {
  auto host = *StartHost(LongModel());
  Running first(*host, RunRequest::Of(LongWork(2'500)));
  Running second(*host, RunRequest::Of(LongWork(2'500)));
  second.ticket.Cancel();
  EXPECT_EQ(second.Wait().error().code, "cancelled");
  EXPECT_TRUE(first.Wait().ok());
  first.ticket.Cancel();  // too late, and harmless
  EXPECT_EQ(host->stats().restarts, 0u);
}

TEST(ModelHost, ARunningRequestCanBeCancelled) {
  auto host = *StartHost(LongModel());
  const auto before = CpuTicks(host->stats().pid);
  Running run(*host, RunRequest::Of(LongWork(kLong)));
  UntilBusy(*host, before);
  run.ticket.Cancel();
  run.ticket.Cancel();
  EXPECT_EQ(run.Wait().error().code, "cancelled");
}

TEST(ModelHost, StatisticsSayWhatRunsCostAndHowTheyEnded) {
  auto options = tests::TestOptions();
  options.totals = std::make_shared<RunTotals>();
  options.max_queue = 1;
  auto host = *StartHost(LongModel(), options);
  EXPECT_TRUE(RunOn(*host, LongWork(4)).ok());
  EXPECT_FALSE(RunOn(*host, SmallInput()).ok());  // does not fit
  const auto before = CpuTicks(host->stats().pid);
  Running running(*host, RunRequest::Of(LongWork(kLong)));
  UntilBusy(*host, before);
  Running waiting(*host, WithDeadline(LongWork(4), milliseconds(1)));
  EXPECT_EQ(waiting.Wait().error().code, "deadline");
  Running next(*host, RunRequest::Of(LongWork(4)));
  EXPECT_EQ(RunOn(*host, LongWork(4)).error().code, "queue-full");
  EXPECT_EQ(host->stats().run.pending, 1);
  running.ticket.Cancel();
  EXPECT_EQ(running.Wait().error().code, "cancelled");
  EXPECT_TRUE(next.Wait().ok());

  const RunStats run = host->stats().run;
  EXPECT_EQ(run.successes, 2u);
  EXPECT_EQ(run.failures[static_cast<std::size_t>(RunFailure::kRejected)], 2u);
  EXPECT_EQ(run.failures[static_cast<std::size_t>(RunFailure::kCancelled)], 1u);
  EXPECT_EQ(run.failures[static_cast<std::size_t>(RunFailure::kBackend)], 0u);
  EXPECT_EQ(run.failures[static_cast<std::size_t>(RunFailure::kOther)], 1u);
  EXPECT_EQ(run.pending, 0);
  EXPECT_GT(run.infer_ns, 0u);
  EXPECT_GE(run.success_ns, run.queue_ns + run.input_ns + run.infer_ns + run.output_ns);
  EXPECT_GT(run.failure_ns, 0u);
  EXPECT_GT(run.last_success_ms, 0);
  // The same, and they outlive the host.
  host.reset();
  EXPECT_EQ(options.totals->Read().successes, 2u);
  EXPECT_EQ(options.totals->Read().AllFailures(), 4u);
}

TEST(ModelHost, AFullQueueSaysSo) {
  auto options = tests::TestOptions();
  options.max_queue = 2;
  auto host = *StartHost(LongModel(), options);
  std::vector<Running> runs;
  for (int i = 0; i < 4; ++i) runs.emplace_back(*host, RunRequest::Of(LongWork(kLong)));
  const auto answer = runs.back().Wait();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "queue-full");
  EXPECT_EQ(answer.error().kind, base::ErrorKind::kExhausted);
  tests::StopHost(*host);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(runs[static_cast<std::size_t>(i)].Wait().error().code, "model-stopped");
}

// ---- callers

TEST(ModelHost, AWorkerThatServedOneCallerIsReplacedBeforeItServesAnother) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  const auto run_as = [&](std::uint64_t caller) {
    RunRequest request = RunRequest::Of(SmallInput());
    request.caller = caller;
    EXPECT_TRUE(RunOn(*host, std::move(request)).ok());
    return host->stats().pid;
  };
  const auto first = run_as(1);
  EXPECT_EQ(run_as(1), first);
  EXPECT_NE(run_as(2), first);
  EXPECT_EQ(host->stats().recycled, 1u);
  EXPECT_EQ(host->stats().restarts, 0u);
}

TEST(ModelHost, ASharedWorkerStays) {
  auto options = tests::TestOptions();
  options.shared = true;
  auto host = *StartHost(tests::MatMulModel(4, 2), options);
  const auto pid = host->stats().pid;
  for (std::uint64_t caller = 0; caller < 3; ++caller) {
    RunRequest request = RunRequest::Of(SmallInput());
    request.caller = caller;
    ASSERT_TRUE(RunOn(*host, std::move(request)).ok());
  }
  EXPECT_EQ(host->stats().pid, pid);
}

TEST(ModelHost, AWorkerOverItsMemoryBudgetIsReplacedWhenIdle) {
  auto options = tests::TestOptions();
  options.resident_budget_bytes = 1;
  auto host = *StartHost(tests::MatMulModel(4, 2), options);
  ASSERT_TRUE(RunOn(*host, SmallInput()).ok());
  ASSERT_TRUE(Until([&] { return host->stats().recycled == 1; }));
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
}

#ifndef BLINDAI_SANITIZED  // a sanitizer keeps freed memory
TEST(ModelHost, AnIdleWorkerGivesTheMemoryOfItsRunsBack) {
  auto host = *StartHost(LongModel());
  const std::uint64_t before = host->stats().resident_bytes;
  ASSERT_TRUE(RunOn(*host, LongWork(5'000)).ok());  // two matrices of 100 MB
  ASSERT_GT(host->stats().resident_bytes, before + (std::uint64_t{90} << 20));
  EXPECT_TRUE(Until([&] { return host->stats().resident_bytes < before + (std::uint64_t{30} << 20); }));
}
#endif

// ---- the end

TEST(ModelHost, StopsWhatRunsWithoutATimeToDrain) {
  auto host = *StartHost(LongModel());
  Running run(*host, RunRequest::Of(LongWork(kLong)));
  tests::StopHost(*host);
  EXPECT_EQ(run.Wait().error().code, "model-stopped");
  EXPECT_EQ(RunOn(*host, LongWork(kLong)).error().code, "model-stopped");
  EXPECT_EQ(host->stats().pid, 0);
  tests::StopHost(*host);  // again, and harmless
}

TEST(ModelHost, LetsRequestsFinishWhileItDrains) {
  auto host = *StartHost(LongModel());
  std::vector<Running> runs;
  for (int i = 0; i < 3; ++i) runs.emplace_back(*host, RunRequest::Of(LongWork(1'500)));
  tests::StopHost(*host, seconds(60));
  for (Running& run : runs) EXPECT_TRUE(run.Wait().ok());
  EXPECT_EQ(host->stats().pid, 0);
}

TEST(ModelHost, ACallbackMayGiveUpTheLastReference) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  std::promise<void> done;
  ModelHost* const alive = host.get();
  alive->Run(RunRequest::Of(SmallInput()), [&done, keep = std::move(host)](auto answer) mutable {
    EXPECT_TRUE(answer.ok());
    keep.reset();
    done.set_value();
  });
  done.get_future().get();
}

std::size_t OpenDescriptors() {
  return static_cast<std::size_t>(
      std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd")));
}

std::size_t Children() {
  std::size_t count = 0;
  const auto self = "PPid:\t" + std::to_string(getpid());
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream status(process.path() / "status");
    for (std::string line; std::getline(status, line);) count += line == self ? 1 : 0;
  }
  return count;
}

TEST(ModelHost, FiftyStartsAndStopsLeaveNothingBehind) {
  const base::Bytes model = tests::MatMulModel(4, 2);
  ASSERT_TRUE(Until([] { return Children() == 0; })) << "a worker of an earlier test does not end";
  tests::StopHost(**StartHost(model));  // all that is made once
  // An earlier test's thread may be closing its last descriptor only now, so the count may fall; a start
  // that left one open would add fifty.
  const std::size_t descriptors = OpenDescriptors();
  for (int i = 0; i < 50; ++i) {
    auto host = *StartHost(model);
    ASSERT_TRUE(RunOn(*host, SmallInput()).ok());
    tests::StopHost(*host);
  }
  EXPECT_TRUE(Until([descriptors] { return OpenDescriptors() <= descriptors; }));
  EXPECT_EQ(Children(), 0u);
}

// ---- models beside each other

// The cores of this test alone.
WorkerOptions OnCoresOf(const std::shared_ptr<Dispatcher>& dispatcher) {
  auto options = tests::TestOptions();
  options.dispatcher = dispatcher;
  return options;
}

TEST(ModelHost, ALongRunOfOneCallerHoldsNobodyElseUp) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto longer = *StartHost(LongModel(), OnCoresOf(dispatcher));
  auto victim = *StartHost(tests::MatMulModel(4, 2), OnCoresOf(dispatcher));
  const auto before = CpuTicks(longer->stats().pid);
  Running run(*longer, RunRequest::Of(LongWork(kLong)));
  UntilBusy(*longer, before);
  for (int i = 0; i < 20; ++i) {
    RunRequest request = RunRequest::Of(SmallInput());
    request.caller = 7;
    EXPECT_TRUE(RunOn(*victim, std::move(request)).ok());
  }
  EXPECT_EQ(longer->stats().queued, 1u) << "the long run ended too early to say anything";
  run.ticket.Cancel();
  EXPECT_EQ(run.Wait().error().code, "cancelled");
  EXPECT_TRUE(Until([&] { return dispatcher->stats().running == 0; }));
  EXPECT_EQ(dispatcher->stats().waiting, 0u);
}

// A run that nobody gets an answer of has used the cores all the same, and its caller's share pays for it.
class ChargedRun : public testing::Test {
 protected:
  // What UntilBusy waits for, at 100 ticks a second.
  static constexpr double kBusyMs = 30;

  std::unique_ptr<Running> BusyRun() {
    const auto before = CpuTicks(host_->stats().pid);
    auto run = std::make_unique<Running>(*host_, RunRequest::Of(LongWork(kLong)));
    UntilBusy(*host_, before);
    return run;
  }
  double ChargedMs() {
    EXPECT_TRUE(Until([&] { return dispatcher_->stats().running == 0; }));
    return dispatcher_->stats().charged_ms;
  }
  const std::shared_ptr<Dispatcher> dispatcher_ = Dispatcher::Make({.cores = 2});
  const std::shared_ptr<ModelHost> host_ = *StartHost(LongModel(), OnCoresOf(dispatcher_));
};

TEST_F(ChargedRun, IsOneThatWasCancelled) {
  const auto run = BusyRun();
  run->ticket.Cancel();
  EXPECT_EQ(run->Wait().error().code, "cancelled");
  EXPECT_GE(ChargedMs(), kBusyMs);
}

TEST_F(ChargedRun, IsOneWhoseWorkerEnded) {
  const auto run = BusyRun();
  ASSERT_EQ(kill(static_cast<pid_t>(host_->stats().pid), SIGKILL), 0);
  EXPECT_EQ(run->Wait().error().code, "worker-crashed");
  EXPECT_GE(ChargedMs(), kBusyMs);
}

TEST_F(ChargedRun, IsOneOverItsDeadline) {
  // On a slow machine a deadline may pass before the worker has begun: then there is nothing to charge, and a later
  // one is tried.
  for (milliseconds time(200); ChargedMs() == 0 && time < seconds(60); time *= 2) {
    EXPECT_EQ(RunOn(*host_, WithDeadline(LongWork(kLong), time)).error().code, "deadline");
  }
  EXPECT_GT(ChargedMs(), 0);
}

TEST(ModelHost, ARunThatTheEngineRefusesIsChargedToo) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto host = *StartHost(tests::AddModel(tests::kOnnxFloat, {"n"}), OnCoresOf(dispatcher));
  EXPECT_EQ(RunOn(*host, {Floats("a", {2}, {1, 2}), Floats("b", {3}, {1, 2, 3})}).error().code, "run-failed");
  EXPECT_TRUE(Until([&] { return dispatcher->stats().running == 0; }));
  EXPECT_GT(dispatcher->stats().charged_ms, 0);
  EXPECT_TRUE(RunOn(*host, {Floats("a", {2}, {1, 2}), Floats("b", {2}, {1, 2})}).ok());
  EXPECT_GT(dispatcher->stats().charged_starts_ms, 0) << "the worker that had to start again";
}

TEST(ModelHost, TheFirstStartOfAWorkerIsChargedToNoRun) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto host = *StartHost(tests::MatMulModel(4, 2), OnCoresOf(dispatcher));
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
  EXPECT_EQ(dispatcher->stats().charged_starts_ms, 0);
}

// As the kernel sees it: R, S, T…
char StateOf(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto end = text.rfind(')');
  return end == std::string::npos ? '?' : text.at(end + 2);
}

TEST(ModelHost, ALongRunStandsStillForShortOnesAndThenGoesOn) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto longer = *StartHost(LongModel(), OnCoresOf(dispatcher));
  auto other = *StartHost(tests::MatMulModel(4, 2), OnCoresOf(dispatcher));
  ASSERT_TRUE(RunOn(*other, SmallInput()).ok()) << "so that its cost is known";
  const auto pid = longer->stats().pid;
  const auto before = CpuTicks(pid);
  Running run(*longer, RunRequest::Of(LongWork(kLong)));
  UntilBusy(*longer, before);
  bool stood_still = false;
  for (int i = 0; i < 1'000 && !stood_still; ++i) {
    Running shorter(*other, RunRequest::Of(SmallInput()));
    auto answer = shorter.promise->get_future();
    while (answer.wait_for(milliseconds(0)) != std::future_status::ready) {
      if (StateOf(pid) == 'T') stood_still = true;
    }
    EXPECT_TRUE(answer.get().ok());
  }
  EXPECT_TRUE(stood_still);
  UntilBusy(*longer, CpuTicks(pid));
  EXPECT_EQ(longer->stats().queued, 1u) << "the long run ended too early to say anything";
  run.ticket.Cancel();
  EXPECT_EQ(run.Wait().error().code, "cancelled");
}

TEST(ModelHost, AModelThatLoadsHoldsNoRunUp) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto victim = *StartHost(tests::MatMulModel(4, 2), OnCoresOf(dispatcher));
  std::promise<base::Result<std::shared_ptr<ModelHost>>> started;
  auto loading = started.get_future();
  auto ticket = ModelHost::Start(tests::FileOf(tests::EndlessLoopModel()), OnCoresOf(dispatcher),
                                 [&](auto host) { started.set_value(std::move(host)); });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(RunOn(*victim, SmallInput()).ok());
  ticket.Cancel();
  EXPECT_EQ(loading.get().error().code, "cancelled");
}

TEST(ModelHost, ManyCallersOfManyModelsAllGetTheirAnswers) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto options = OnCoresOf(dispatcher);
  options.shared = true;
  std::vector<std::shared_ptr<ModelHost>> hosts;
  for (int i = 0; i < 3; ++i) hosts.push_back(*StartHost(tests::MatMulModel(4, 2), options));
  std::vector<Running> runs;
  for (int i = 0; i < 150; ++i) {
    RunRequest request = RunRequest::Of(SmallInput());
    request.caller = static_cast<std::uint64_t>(i % 7);
    request.weight = 1 + i % 7;
    request.priority = static_cast<std::uint32_t>(i % 3);
    runs.emplace_back(*hosts[static_cast<std::size_t>(i % 3)], std::move(request));
  }
  for (Running& run : runs) EXPECT_TRUE(run.Wait().ok());
  EXPECT_TRUE(Until([&] { return dispatcher->stats().running == 0; }));
  EXPECT_EQ(dispatcher->stats().waiting, 0u);
}

TEST(ModelHost, AStoppedModelLeavesNothingInTheQueue) {
  const auto dispatcher = Dispatcher::Make({.cores = 2});
  auto host = *StartHost(LongModel(), OnCoresOf(dispatcher));
  std::vector<Running> runs;
  for (int i = 0; i < 3; ++i) runs.emplace_back(*host, RunRequest::Of(LongWork(kLong)));
  tests::StopHost(*host);
  for (Running& run : runs) EXPECT_EQ(run.Wait().error().code, "model-stopped");
  EXPECT_EQ(dispatcher->stats().running, 0u);
  EXPECT_EQ(dispatcher->stats().waiting, 0u);
}

// ---- workers in the hands of their model

class HostileWorkerTest : public testing::Test {
 protected:
  static WorkerOptions Options() {
    auto options = tests::TestOptions();
    options.worker_program = tests::SupportProgram("hostile_worker");
    options.load_timeout_ms = 2'000;
    options.cancel_grace_ms = 50;
    return options;
  }
  base::Result<std::shared_ptr<ModelHost>> Start(const std::string& lie) {
    auto options = Options();
    options.dispatcher = dispatcher_;
    return StartHost(base::AsBytes(lie), options);
  }
  // Whatever a worker did, it holds no share of the cores for it.
  void ExpectNoShareHeld() {
    EXPECT_TRUE(Until([&] { return dispatcher_->stats().running == 0; }));
    EXPECT_EQ(dispatcher_->stats().waiting, 0u);
  }
  const std::shared_ptr<Dispatcher> dispatcher_ = Dispatcher::Make({.cores = 2});
};

TEST_F(HostileWorkerTest, AnHonestOneWorks) {
  auto host = *Start("none of the lies");
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
  EXPECT_FALSE(host->cage().no_capabilities);  // it said so
}

class HostileLoadTest : public HostileWorkerTest, public testing::WithParamInterface<const char*> {};

TEST_P(HostileLoadTest, FailsTheLoad) {
  const auto host = Start(GetParam());
  ASSERT_FALSE(host.ok());
  EXPECT_TRUE(host.error().code == "model-crashed" || host.error().code == "model-load-timeout")
      << host.error().code;
}

INSTANTIATE_TEST_SUITE_P(ModelHost, HostileLoadTest,
                         testing::Values("end-at-load", "silent-at-load", "garbage-at-load", "ran-at-load",
                                         "names-twice", "bytes-type"));

class HostileRunTest : public HostileWorkerTest, public testing::WithParamInterface<const char*> {};

TEST_P(HostileRunTest, FailsTheRunAndLosesTheWorker) {
  auto host = *Start(GetParam());
  const auto answer = RunOn(*host, WithDeadline(SmallInput(), milliseconds(1'000)));
  ASSERT_FALSE(answer.ok());
  EXPECT_TRUE(answer.error().code == "worker-crashed" || answer.error().code == "deadline")
      << answer.error().code;
  ASSERT_TRUE(Until([&] { return host->stats().restarts >= 1; }));
  ExpectNoShareHeld();
}

INSTANTIATE_TEST_SUITE_P(ModelHost, HostileRunTest,
                         testing::Values("long", "huge-shape", "huge-claim", "outside", "rank",
                                         "other-output", "other-run", "two-outputs", "none", "end-at-run",
                                         "silent-at-run", "loaded-at-run", "unknown-failure",
                                         "cancelled-unasked"));

class HostileExtraTest : public HostileWorkerTest, public testing::WithParamInterface<const char*> {};

TEST_P(HostileExtraTest, DoesNotHarmTheServer) {
  auto host = *Start(GetParam());
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 2; ++i)
    static_cast<void>(RunOn(*host, WithDeadline(SmallInput(), milliseconds(1'000))));
  tests::StopHost(*host);
  EXPECT_LE(OpenDescriptors(), before);
  ExpectNoShareHeld();
}

INSTANTIATE_TEST_SUITE_P(ModelHost, HostileExtraTest,
                         testing::Values("twice", "descriptor", "flood", "shrink"));

// ---- several runs as one, with a worker that says in each row how many there were

class BatchTest : public HostileWorkerTest {
 protected:
  // One run that the worker has and does not answer, and `values` that wait behind it.
  void Fill(ModelHost& host, const std::vector<float>& values,
            const std::vector<std::uint64_t>& callers = {}) {
    ASSERT_TRUE(Until([&] { return host.stats().pid > 0; }));
    worker_ = static_cast<pid_t>(host.stats().pid);
    ASSERT_EQ(kill(worker_, SIGSTOP), 0);
    runs_.emplace_back(host, Request(100, 1));
    ASSERT_TRUE(Until([&] { return host.stats().run.pending == 0; }));
    for (std::size_t i = 0; i < values.size(); ++i) {
      runs_.emplace_back(host, Request(values[i], callers.empty() ? 1 : callers[i]));
    }
    ASSERT_TRUE(Until([&] { return dispatcher_->stats().waiting == values.size(); }));
  }
  void GoOn() { ASSERT_EQ(kill(worker_, SIGCONT), 0); }
  static RunRequest Request(float value, std::uint64_t caller) {
    RunRequest request = RunRequest::Of({Floats("x", {1, 4}, std::vector<float>(4, value))});
    request.caller = caller;
    return request;
  }
  // What a run gave: its value, and with how many it was computed. Or an error's code.
  static std::string Given(Running& run) {
    const auto answer = run.Wait();
    if (!answer.ok()) return answer.error().code;
    const auto values = ValuesOf<float>(answer->outputs[0]);
    EXPECT_EQ(answer->outputs[0].shape, (vocabulary::Shape{1, 4}));
    return std::to_string(static_cast<int>(values[0])) + " of " + std::to_string(static_cast<int>(values[3]));
  }
  std::vector<std::string> AllGiven() {
    std::vector<std::string> all;
    for (Running& run : runs_) all.push_back(Given(run));
    return all;
  }
  pid_t worker_ = 0;
  std::vector<Running> runs_;
};

TEST_F(BatchTest, RunsThatWaitAreComputedAsOneAndEachGetsItsOwn) {
  auto host = *Start("rows");
  Fill(*host, {1, 2, 3, 4, 5});
  GoOn();
  EXPECT_THAT(AllGiven(), testing::ElementsAre("100 of 1", "1 of 4", "2 of 4", "3 of 4", "4 of 4", "5 of 1"));
  const RunStats run = host->stats().run;
  EXPECT_EQ(run.successes, 6u);
  EXPECT_EQ(run.executions, 3u);
  EXPECT_EQ(run.pending, 0);
  EXPECT_EQ(host->stats().queued, 0u);
  ExpectNoShareHeld();
}

TEST_F(BatchTest, OfDifferentCallersNothingIsEverComputedTogether) {
  auto options = Options();
  options.dispatcher = dispatcher_;
  options.shared = true;  // one worker for all, as the operator's models have
  auto host = *StartHost(base::AsBytes("rows"), options);
  Fill(*host, {1, 2, 3, 4}, {1, 2, 1, 2});
  GoOn();
  EXPECT_THAT(AllGiven(), testing::ElementsAre("100 of 1", "1 of 2", "2 of 2", "3 of 2", "4 of 2"));
}

TEST_F(BatchTest, AWorkerThatProvedNothingGetsOneRunAtATime) {
  auto host = *Start("none of the lies");
  Fill(*host, {1, 2});
  GoOn();
  for (Running& run : runs_) EXPECT_TRUE(run.Wait().ok());
  EXPECT_EQ(host->stats().run.executions, 3u);
}

TEST_F(BatchTest, OneOfThemCanBeGivenUpAndTheOthersGoOn) {
  auto host = *Start("rows-wait");
  Fill(*host, {1, 2, 3});
  GoOn();
  EXPECT_EQ(Given(runs_[0]), "100 of 1");
  ASSERT_TRUE(Until([&] { return host->stats().run.pending == 0; }));  // the worker has the three
  runs_[2].ticket.Cancel();
  EXPECT_EQ(Given(runs_[2]), "cancelled");
  GoOn();
  EXPECT_EQ(Given(runs_[1]), "1 of 3");
  EXPECT_EQ(Given(runs_[3]), "3 of 3");
  EXPECT_EQ(host->stats().restarts, 0u);
  ExpectNoShareHeld();
}

TEST_F(BatchTest, WhenAllAreGivenUpTheWorkerIsEndedAfterItsGraceAndTheNextRunWorks) {
  auto host = *Start("rows-wait");
  Fill(*host, {1, 2, 3});
  GoOn();
  EXPECT_EQ(Given(runs_[0]), "100 of 1");
  ASSERT_TRUE(Until([&] { return host->stats().run.pending == 0; }));
  for (std::size_t i = 1; i < runs_.size(); ++i) {
    runs_[i].ticket.Cancel();
    EXPECT_EQ(Given(runs_[i]), "cancelled");
  }
  ASSERT_TRUE(Until([&] { return host->stats().restarts == 1; }));
  Running next(*host, Request(5, 1));
  ASSERT_TRUE(Until([&] { return host->stats().run.pending == 0; }));  // the new worker has it
  worker_ = static_cast<pid_t>(host->stats().pid);
  GoOn();
  EXPECT_EQ(Given(next), "5 of 1");
  ExpectNoShareHeld();
}

TEST_F(BatchTest, AWorkerThatComesAnewNeedNotProveIt) {
  auto host = *Start("rows");
  ASSERT_EQ(kill(static_cast<pid_t>(host->stats().pid), SIGKILL), 0);
  ASSERT_TRUE(Until([&] { return host->stats().restarts == 1; }));
  ASSERT_TRUE(RunOn(*host, Request(5, 1)).ok());  // the new worker, which measured nothing, is there
  Fill(*host, {1, 2});
  GoOn();
  EXPECT_THAT(AllGiven(), testing::ElementsAre("100 of 1", "1 of 2", "2 of 2"));
}

class FailingBatchTest : public BatchTest, public testing::WithParamInterface<const char*> {};

TEST_P(FailingBatchTest, IsComputedOneByOneThenAndSoIsWhatComesLater) {
  auto host = *Start(GetParam());
  Fill(*host, {1, 2, 3});
  GoOn();
  EXPECT_THAT(AllGiven(), testing::ElementsAre("100 of 1", "1 of 1", "2 of 1", "3 of 1"));
  runs_.clear();
  Fill(*host, {4, 5});
  GoOn();
  EXPECT_THAT(AllGiven(), testing::ElementsAre("100 of 1", "4 of 1", "5 of 1"));
  EXPECT_EQ(host->stats().run.pending, 0);
  EXPECT_EQ(host->stats().run.AllFailures(), 0u);
  ExpectNoShareHeld();
}

INSTANTIATE_TEST_SUITE_P(ModelHost, FailingBatchTest, testing::Values("rows-fail", "rows-end", "rows-lost"));

// The same with the real engine.
class EngineBatchTest : public BatchTest {
 protected:
  std::shared_ptr<ModelHost> StartReal(base::ByteView file) {
    auto options = tests::TestOptions();
    options.dispatcher = dispatcher_;
    return *StartHost(file, options);
  }
};

TEST_F(EngineBatchTest, RowsOfAModelOfRowsAreEachTheirOwn) {
  // That batches pay is measured when the model is loaded, and a measurement can be disturbed.
  const auto has_run_some_as_one = [&] {
    auto host = StartReal(tests::MatMulModel(4, 2));
    runs_.clear();
    Fill(*host, {1, 2, 3, 4, 5});
    GoOn();
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const float x = i == 0 ? 100 : static_cast<float>(i);
      const auto answer = runs_[i].Wait();
      EXPECT_TRUE(answer.ok());
      EXPECT_EQ(answer->outputs[0].shape, (vocabulary::Shape{1, 2}));
      EXPECT_EQ(ValuesOf<float>(answer->outputs[0]), (std::vector<float>{6 * x, 10 * x}));
    }
    return host->stats().run.executions < runs_.size();
  };
  EXPECT_TRUE(Until(has_run_some_as_one));
}

TEST_F(EngineBatchTest, AModelThatBreaksOffWithSeveralRowsStaysGoodForOne) {
  tests::OnnxGraph graph;  // y = x + x, where one x must have one row
  graph.Input("x", tests::kOnnxFloat, {"batch", 4}).Output("y", tests::kOnnxFloat, {"batch", 4});
  graph.Initializer(tests::Int64Tensor("one_row", {2}, {1, 4}));
  graph.Node(tests::OnnxNode("Reshape", {"x", "one_row"}, {"row"}));
  graph.Node(tests::OnnxNode("Add", {"x", "row"}, {"y"}));
  auto host = StartReal(tests::OnnxModel(graph).Bytes());
  Fill(*host, {1, 2, 3});
  GoOn();
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const float x = i == 0 ? 100 : static_cast<float>(i);
    EXPECT_EQ(ValuesOf<float>(runs_[i].Wait()->outputs[0]), std::vector<float>(4, 2 * x));
  }
  EXPECT_EQ(host->stats().run.executions, runs_.size());
  const auto two = RunOn(*host, {Floats("x", {2, 4}, std::vector<float>(8, 1))});
  EXPECT_EQ(two.error().code, "run-failed") << "so this test shows nothing";
}

TEST_F(EngineBatchTest, AModelThatMixesRowsGetsOneRunAtATime) {
  tests::OnnxGraph graph;  // y = x less the mean of all rows
  graph.Input("x", tests::kOnnxFloat, {"batch", 4}).Output("y", tests::kOnnxFloat, {"batch", 4});
  graph.Node(tests::OnnxNode("ReduceMean", {"x"}, {"mean"}).Ints("axes", {0}));
  graph.Node(tests::OnnxNode("Sub", {"x", "mean"}, {"y"}));
  auto host = StartReal(tests::OnnxModel(graph).Bytes());
  Fill(*host, {1, 2, 3, 4, 5});
  GoOn();
  for (Running& run : runs_) EXPECT_EQ(ValuesOf<float>(run.Wait()->outputs[0]), std::vector<float>(4, 0));
  EXPECT_EQ(host->stats().run.executions, runs_.size());
}

// A worker that keeps every input and gives it away as the answer to the next run.
class StashingWorkerTest : public HostileWorkerTest {
 protected:
  static base::Result<std::vector<float>> RunAs(ModelHost& host, std::uint64_t caller, float value,
                                                std::optional<std::uint64_t> payer = std::nullopt) {
    RunRequest request = RunRequest::Of({Floats("x", {1, 4}, std::vector<float>(4, value))});
    request.caller = caller;
    request.payer = payer;
    BLINDAI_TRY(const RunAnswer answer, RunOn(host, std::move(request)));
    return ValuesOf<float>(answer.outputs[0]);
  }
};

TEST_F(StashingWorkerTest, GivesACallerItsOwnInputsAndNobodyElses) {
  auto host = *Start("stash");
  const std::vector<float> nothing(4, 0);
  const auto all = [](float value) { return std::vector<float>(4, value); };
  EXPECT_EQ(*RunAs(*host, 1, 11), nothing);
  EXPECT_EQ(*RunAs(*host, 1, 12), all(11)) << "the worker keeps nothing, so this test shows nothing";
  EXPECT_EQ(*RunAs(*host, 2, 21), nothing);
  EXPECT_EQ(*RunAs(*host, 1, 13), nothing);
  EXPECT_EQ(*RunAs(*host, 3, 31), nothing);
}

TEST_F(StashingWorkerTest, GivesNobodyElsesInputsWhenOneAccountPaysForAll) {
  auto host = *Start("stash");
  const std::vector<float> nothing(4, 0);
  EXPECT_EQ(*RunAs(*host, 1, 11, 7), nothing);
  EXPECT_EQ(*RunAs(*host, 2, 21, 7), nothing);
  EXPECT_EQ(*RunAs(*host, 7, 71, 7), nothing);
  EXPECT_EQ(*RunAs(*host, 7, 72, 8), std::vector<float>(4, 71)) << "one caller, on two accounts";
}

TEST_F(StashingWorkerTest, GivesNobodyElsesInputsWhenCallersComeAtTheSameTime) {
  auto host = *Start("stash");
  std::vector<std::future<base::Result<std::vector<float>>>> answers;
  constexpr int kCallers = 4;
  for (int i = 0; i < 40; ++i) {
    const int caller = 1 + i % kCallers;
    answers.push_back(std::async(std::launch::async, [&, caller] {
      return RunAs(*host, static_cast<std::uint64_t>(caller), static_cast<float>(caller));
    }));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto values = answers[i].get();
    ASSERT_TRUE(values.ok()) << values.error().code;
    for (const float value : *values)
      EXPECT_TRUE(value == 0 || value == 1 + static_cast<float>(i % kCallers)) << value;
  }
}

TEST_F(StashingWorkerTest, HasNothingLeftAfterItWasSuspended) {
  auto host = *Start("stash");
  host->SetFetch([](ModelHost::Fetched fetched) { fetched(tests::FileOf(base::AsBytes("stash"))); });
  ASSERT_TRUE(RunAs(*host, 1, 11).ok());
  ASSERT_TRUE(Until([&] { return host->Suspend(); }));
  EXPECT_EQ(*RunAs(*host, 2, 21), std::vector<float>(4, 0));
}

// Gives the file back at once, and counts.
struct Shelf {
  explicit Shelf(base::Bytes bytes, bool must_wait = false) : file(std::move(bytes)), waits(must_wait) {}
  ModelHost::Fetch fetch() {
    return [this](ModelHost::Fetched fetched) {
      ++fetches;
      if (waits) {
        waiting = std::move(fetched);
        has_asked.set_value();
      } else if (is_broken) {
        fetched(base::MakeError(base::ErrorKind::kUnavailable, "model-damaged", "damaged"));
      } else {
        fetched(tests::FileOf(file));
      }
    };
  }
  const base::Bytes file;
  std::atomic<int> fetches = 0;
  std::atomic<bool> is_broken = false;
  const bool waits;
  ModelHost::Fetched waiting;
  std::promise<void> has_asked;
};

bool HasSuspended(ModelHost& host) {
  std::promise<void> gone;
  const bool suspended = host.Suspend([&gone] { gone.set_value(); });
  if (suspended) gone.get_future().wait();
  return suspended;
}

TEST(ModelHostSuspend, EndsTheWorkerAndTheNextRunBringsItBack) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  Shelf shelf(tests::MatMulModel(4, 2));
  host->SetFetch(shelf.fetch());
  const auto before = RunOn(*host, SmallInput());
  ASSERT_TRUE(before.ok());
  const std::int64_t pid = host->stats().pid;
  ASSERT_TRUE(HasSuspended(*host));
  EXPECT_TRUE(host->stats().is_suspended);
  EXPECT_EQ(host->stats().pid, 0);
  EXPECT_EQ(host->stats().resident_bytes, 0u);
  EXPECT_NE(kill(static_cast<pid_t>(pid), 0), 0);
  EXPECT_FALSE(host->Suspend());

  const auto after = RunOn(*host, SmallInput());
  ASSERT_TRUE(after.ok()) << after.error().code;
  EXPECT_EQ(after->outputs[0].data, before->outputs[0].data);
  EXPECT_FALSE(host->stats().is_suspended);
  EXPECT_EQ(shelf.fetches, 1);
  EXPECT_EQ(host->stats().restarts, 0u);
}

TEST(ModelHostSuspend, AHostOfAnEarlierProcessStartsWithItsFirstRun) {
  const ModelSignature signature = (*StartHost(tests::MatMulModel(4, 2)))->signature();
  Shelf shelf(tests::MatMulModel(4, 2));
  const auto host = ModelHost::Suspended(shelf.fetch(), tests::TestOptions(), signature);
  EXPECT_TRUE(host->stats().is_suspended);
  EXPECT_EQ(RunOn(*host, {Floats("x", {1, 3}, {1, 1, 1})}).error().code, "tensor-shape");
  EXPECT_EQ(shelf.fetches, 0);
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
  EXPECT_EQ(shelf.fetches, 1);
  tests::StopHost(*host);
}

TEST(ModelHostSuspend, AModelThatIsNotWhatItWasNeverRuns) {
  const ModelSignature signature = (*StartHost(tests::MatMulModel(4, 2)))->signature();
  Shelf shelf(tests::IdentityModel());
  const auto host = ModelHost::Suspended(shelf.fetch(), tests::TestOptions(), signature);
  EXPECT_EQ(RunOn(*host, SmallInput()).error().code, "worker-unavailable");
  tests::StopHost(*host);
}

TEST(ModelHostSuspend, NeverStopsWhatIsRunning) {
  auto host = *StartHost(LongModel());
  Shelf shelf(LongModel());
  host->SetFetch(shelf.fetch());
  const std::uint64_t before = CpuTicks(host->stats().pid);
  Running run(*host, RunRequest::Of(LongWork(kLong)));
  EXPECT_FALSE(host->Suspend());
  UntilBusy(*host, before);
  EXPECT_FALSE(host->Suspend());
  run.ticket.Cancel();
  EXPECT_EQ(run.Wait().error().code, "cancelled");
  // Nobody waits for an answer any more, though the engine still computes.
  EXPECT_TRUE(HasSuspended(*host));
}

TEST(ModelHostSuspend, NeedsAWayBack) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  EXPECT_FALSE(host->Suspend());
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
}

TEST(ModelHostSuspend, WhenTheModelCannotBeFetchedItsRunsFailAndLaterOnesTryAgain) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  Shelf shelf(tests::MatMulModel(4, 2));
  host->SetFetch(shelf.fetch());
  ASSERT_TRUE(HasSuspended(*host));
  shelf.is_broken = true;
  EXPECT_EQ(RunOn(*host, SmallInput()).error().code, "model-damaged");
  EXPECT_TRUE(Until([&] { return host->stats().is_suspended; }));
  EXPECT_EQ(RunOn(*host, SmallInput()).error().code, "model-damaged");
  shelf.is_broken = false;
  EXPECT_TRUE(RunOn(*host, SmallInput()).ok());
  EXPECT_EQ(shelf.fetches, 3);
}

TEST(ModelHostSuspend, ARunThatWaitsForItsModelCanBeCancelledAndHasADeadline) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  Shelf shelf(tests::MatMulModel(4, 2), true);
  host->SetFetch(shelf.fetch());
  ASSERT_TRUE(HasSuspended(*host));
  Running cancelled(*host, RunRequest::Of(SmallInput()));
  Running late(*host, WithDeadline(SmallInput(), milliseconds(1)));
  Running patient(*host, RunRequest::Of(SmallInput()));
  shelf.has_asked.get_future().wait();
  cancelled.ticket.Cancel();
  EXPECT_EQ(cancelled.Wait().error().code, "cancelled");
  EXPECT_EQ(late.Wait().error().code, "deadline");
  EXPECT_FALSE(host->Suspend());
  shelf.waiting(tests::FileOf(shelf.file));
  EXPECT_TRUE(patient.Wait().ok());
}

TEST(ModelHostSuspend, AHostThatStopsWhileItsModelIsFetchedAnswersEverybody) {
  const ModelSignature signature = (*StartHost(tests::MatMulModel(4, 2)))->signature();
  Shelf shelf(tests::MatMulModel(4, 2), true);
  const auto host = ModelHost::Suspended(shelf.fetch(), tests::TestOptions(), signature);
  Running run(*host, RunRequest::Of(SmallInput()));
  shelf.has_asked.get_future().wait();
  tests::StopHost(*host);
  EXPECT_EQ(run.Wait().error().code, "model-stopped");
  shelf.waiting(tests::FileOf(shelf.file));
}

TEST(ModelHostSuspend, RunsAndSuspensionsFromManyThreadsLoseNoAnswer) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  Shelf shelf(tests::MatMulModel(4, 2));
  host->SetFetch(shelf.fetch());
  std::atomic<int> right = 0;
  std::vector<std::thread> runners;
  for (int t = 0; t < 3; ++t) {
    runners.emplace_back([&] {
      for (int i = 0; i < 6; ++i) {
        right += RunOn(*host, SmallInput()).ok() ? 1 : 0;
        host->Suspend();
      }
    });
  }
  for (std::thread& runner : runners) runner.join();
  EXPECT_EQ(right, 18);
}

}  // namespace
}  // namespace blindai::model
