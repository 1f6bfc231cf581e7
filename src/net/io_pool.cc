#include "net/io_pool.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/stack.h"

namespace blindai::net {

namespace asio = boost::asio;

namespace {

// Pieces of work between two looks at the stack that they leave; fewer when there is nothing to do.
constexpr int kBeforeWiping = 32;

void Run(asio::io_context& context) {
  while (context.run_one() > 0) {
    for (int i = 1; i < kBeforeWiping && context.poll_one() > 0; ++i) {
    }
    base::WipeStack();
  }
}

}  // namespace

struct IoPool::State {
  explicit State(std::size_t count) : context(static_cast<int>(count)), work(context.get_executor()) {}

  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::vector<std::thread> threads;
};

IoPool::IoPool(std::size_t threads) : state_(std::make_unique<State>(std::max<std::size_t>(threads, 1))) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    state_->threads.emplace_back([state = state_.get()] { Run(state->context); });
  }
}

IoPool::~IoPool() {
  state_->context.stop();
  for (std::thread& thread : state_->threads) thread.join();
}

asio::any_io_executor IoPool::executor() const { return state_->context.get_executor(); }
asio::any_io_executor IoPool::NewStrand() const { return asio::make_strand(state_->context); }

void IoPool::Spawn(std::function<Task<void>()> start) const {
  asio::co_spawn(NewStrand(), std::move(start),
                 [](std::exception_ptr error) { BLINDAI_CHECK(error == nullptr); });
}

}  // namespace blindai::net
