#include "gateway/upstream.h"

#include <gtest/gtest.h>

#include <future>

#include "support/fake_attested_server.h"

namespace blindai::gateway {
namespace {

using tests::FakeAttestedServer;

class UpstreamTest : public ::testing::Test {
 protected:
  void StartFor(std::uint16_t port) {
    UpstreamOptions options;
    options.server.server = {"127.0.0.1", port};
    options.server.allow_simulation = verifier::AllowSimulation::kYes;
    upstream_.emplace(std::move(options), pool_);
    upstream_->Start();
  }

  // Runs a coroutine on the pool's thread to its end.
  void Run(std::function<net::Task<void>()> work) {
    std::promise<void> done;
    pool_.Spawn([&]() -> net::Task<void> {
      co_await work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Who takes one connection after the other: the number of the connection, 0 where there was none.
  std::uint64_t TakeAndGive(IdleIsFine idle_is_fine = IdleIsFine::kYes) {
    std::uint64_t number = 0;
    Run([&]() -> net::Task<void> {
      base::Result<Upstream::Lease> lease = co_await upstream_->Take(idle_is_fine);
      if (!lease.ok()) co_return;
      number = lease->http->connection().id;
      upstream_->Give(std::move(lease).value());
    });
    return number;
  }

  net::IoPool pool_{1};
  std::optional<Upstream> upstream_;
};

TEST_F(UpstreamTest, WhoComesBeforeTheFirstVerdictWaitsForIt) {
  const FakeAttestedServer server({});
  StartFor(server.port());
  EXPECT_NE(TakeAndGive(), 0u);
  upstream_->Stop();
}

TEST_F(UpstreamTest, AConnectionIsKeptAndUsedAgain) {
  const FakeAttestedServer server({});
  StartFor(server.port());
  const std::uint64_t first = TakeAndGive();
  EXPECT_EQ(TakeAndGive(), first);
  EXPECT_NE(TakeAndGive(IdleIsFine::kNo), first);
  upstream_->Stop();
}

TEST_F(UpstreamTest, AfterItsEndThereIsNone) {
  const FakeAttestedServer server({});
  StartFor(server.port());
  EXPECT_NE(TakeAndGive(), 0u);
  upstream_->Stop();
  EXPECT_EQ(TakeAndGive(), 0u);
}

TEST_F(UpstreamTest, WhereNobodyListensThereIsNone) {
  std::uint16_t port = 0;
  {
    const FakeAttestedServer server({});
    port = server.port();
  }
  StartFor(port);
  EXPECT_EQ(TakeAndGive(), 0u);
  upstream_->Stop();
}

}  // namespace
}  // namespace blindai::gateway
