// One model, ready to run: its worker process, its requests, and what happens when the worker
// crashes.
//
// The worker is treated as if the model's owner had code in it. It gets the model and the inputs of one
// request at a time and nothing else; whatever it answers is checked against the signature and the limits
// before memory is reserved; it is killed when it does not stop in time, and then only the request that it
// was running fails. A worker that has seen one caller's data is replaced before it serves another caller
// (WorkerOptions::shared). Which of all models' requests computes next is the scheduler's word (scheduler.h).
//
// Everything here is asynchronous and any thread may call it. Callbacks are called exactly once, on the
// supervisor's thread, which all hosts share: they must not block, so hand the answer to your own executor.
// They may do anything with the host, also give up the last reference to it.
//
//   ModelHost::Start(file, options, [](base::Result<std::shared_ptr<ModelHost>> host) { … });
//   host->Run(std::move(request), [](base::Result<RunAnswer> answer) { … });
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/cage.h"
#include "model/model_file.h"
#include "model/run_stats.h"
#include "model/signature.h"
#include "vocabulary/tensor.h"

namespace blindai::model {

class Dispatcher;

struct WorkerOptions {
  // The program of apps/worker, absolute. The engine's libraries lie beside it.
  std::string worker_program;
  Precision precision = Precision::kF32;
  // Threads that compute one request; 0 = one for each core that this process may use.
  int threads = 0;
  // Address space that a worker may use beyond the engine's own; 0 = four times the model and 1 GiB.
  std::uint64_t memory_limit_bytes = 0;
  // Time for start, load, compile and the warm-up run together.
  int load_timeout_ms = 120'000;
  // What a run that nobody waits for any more may still take before its worker is ended: an engine cannot be stopped in
  // the middle of a run and then be trusted with another one.
  int cancel_grace_ms = 1'000;
  // Elements of all inputs of one request, and of all its outputs.
  std::uint64_t max_tensor_bytes = std::uint64_t{256} << 20;
  // On one payer's account for this model: requests that wait, and how long the next one would wait, as predicted from
  // earlier runs of all models. More is refused (queue-full).
  std::size_t max_queue = 256;
  int max_queue_ms = 30'000;
  // A worker that uses more resident memory than this after a run is replaced when it is idle; 0 = never.
  std::uint64_t resident_budget_bytes = 0;
  // Who gives out the cores; null = the one that all hosts of this process share (dispatcher.h).
  std::shared_ptr<Dispatcher> dispatcher = nullptr;
  // Whether different callers may use the same worker. Only for models that the operator names in the
  // measured manifest: a model of unknown origin may keep an input and give it to the next caller.
  bool shared = false;
  // Counts the runs of this model too, beside its own statistics; null = nobody does.
  std::shared_ptr<RunTotals> totals = nullptr;
};

// What to run. The elements stay where they are (a request's body) until they have been copied to the worker.
struct RunRequest {
  // Takes tensors over and wipes their elements when they have been copied to the worker.
  static RunRequest Of(std::vector<vocabulary::Tensor> tensors);

  // Every input of the model by name, in any order.
  std::vector<vocabulary::TensorView> inputs;
  // Keeps the elements of `inputs` alive; released (and so wiped, if it is built that way) soon after use.
  std::shared_ptr<const void> elements;
  // Names of the outputs that are wanted, in that order; empty = all, in the model's order.
  std::vector<std::string> outputs;
  // The answer comes before this, or an error does (code deadline), at once when the prediction says so.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  // Who asks, for WorkerOptions::shared: an account's number. Different numbers never share a worker's
  // memory.
  std::uint64_t caller = 0;
  // Who is charged for it; nothing: the caller. And the share of the cores that whoever pays has against others
  // (scheduler.h).
  std::optional<std::uint64_t> payer = std::nullopt;
  double weight = 1;
  // The order among the caller's own requests: 1 goes first, 0 after all that have a number.
  std::uint32_t priority = 0;
};

// Holds what one person sent in and got out: wipe it after use.
struct RunAnswer {
  std::vector<vocabulary::Tensor> outputs;
  double queue_ms = 0;    // from Run() until the worker had the request
  double compute_ms = 0;  // the engine's own time
};

struct HostStats {
  std::int64_t pid = 0;              // of the worker; 0 while there is none
  std::uint64_t resident_bytes = 0;  // of the worker, now
  std::uint64_t restarts = 0;        // after crashes and kills
  std::uint64_t recycled = 0;        // replaced on purpose: another caller, a failed run, over its budget
  std::uint64_t runs = 0;            // that gave an answer
  std::uint64_t failures = 0;        // that gave an error
  std::size_t queued = 0;            // waiting or running now
  double predicted_wait_ms = 0;      // what a request that came now would wait
  double mean_run_ms = 0;            // of recent runs
  double load_ms = 0;                // of the last start: exec to ready
  // No worker and no file in memory, until the next run brings both back.
  bool is_suspended = false;
  std::chrono::steady_clock::time_point last_run;  // when the newest request came; the epoch before the first
  RunStats run;                                    // everything since the start of the host
};

class ModelHost {
 public:
  using Started = std::function<void(base::Result<std::shared_ptr<ModelHost>>)>;
  using RunDone = std::function<void(base::Result<RunAnswer>)>;

  // One request or start, so that its sender can take it back.
  class Ticket {
   public:
    Ticket() = default;
    // It stops and ends with code cancelled, unless it has ended. Calling it late or twice does nothing.
    void Cancel();

   private:
    friend class ModelHost;
    std::function<void()> cancel_;
  };

  // Spawns a worker, which locks itself down, loads, compiles and warms up. The file is sealed, and kept for
  // restarts. Codes: model-rejected (the engine cannot use it), model-unsupported (types that it would
  // compute wrongly: 64-bit floats, 4-bit and 8-bit floats, strings), model-memory (over its limit),
  // model-crashed (ended the worker while loading), model-load-timeout, worker-unavailable (no process,
  // broken installation), cancelled (through the ticket).
  static Ticket Start(std::shared_ptr<ModelFile> file, WorkerOptions options, Started started);

  // Where a suspended host gets its model back from. It is called on the supervisor's thread, must not block, and
  // calls back once, from any thread; its error is the answer to the requests that wait.
  using Fetched = std::function<void(base::Result<std::shared_ptr<ModelFile>>)>;
  using Fetch = std::function<void(Fetched)>;
  // A model that was loaded before, by this process or an earlier one, and has this signature. The first run fetches
  // it and starts a worker. One that turns out to have another signature never comes back (worker-unavailable).
  static std::shared_ptr<ModelHost> Suspended(Fetch fetch, WorkerOptions options, ModelSignature signature);
  // From now on this host may be suspended.
  void SetFetch(Fetch fetch);
  // Ends the worker and drops the file, if no request is waiting or running; the next run brings them back. False:
  // in use, suspended already, or without a Fetch. `gone` is called when the worker's memory is the kernel's again.
  bool Suspend(std::function<void()> gone = nullptr);

  // Stops as Stop() does, without waiting.
  ~ModelHost();
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;

  const ModelSignature& signature() const;
  const WorkerOptions& options() const;
  // How the worker is confined.
  Cage cage() const;
  HostStats stats() const;

  // Codes of refusals before anything is queued: tensor-name (unknown, missing or twice; the message lists
  // the wanted names), tensor-dtype, tensor-shape, tensor-size, tensor-value (a BOOL that is neither 0 nor
  // 1), tensors-too-large, int64-range (the engine computes in 32 bits), output-name, queue-full. Later:
  // deadline, cancelled, run-failed (the engine refuses these inputs), run-memory, outputs-too-large,
  // worker-crashed, worker-unavailable, model-stopped.
  Ticket Run(RunRequest request, RunDone done);

  // Takes no more requests, lets those that are there finish for at most `drain`, ends the worker and waits
  // for its end. What is left then fails with code model-stopped.
  void Stop(std::function<void()> stopped, std::chrono::milliseconds drain = std::chrono::milliseconds(0));

 private:
  class Impl;
  explicit ModelHost(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace blindai::model
