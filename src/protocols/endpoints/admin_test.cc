#include "protocols/endpoints/admin.h"

#include <gtest/gtest.h>

#include "support/fake_exchange.h"

namespace blindai::endpoints {
namespace {

using tests::FakeExchange;
using tests::Serve;

TEST(Admin, ReadinessFollowsTheServer) {
  std::atomic<bool> ready = false;
  Router router;
  RegisterAdmin(router, ready, {});
  FakeExchange before("GET /readyz");
  EXPECT_EQ(Serve(router, before).status, 503);
  ready = true;
  FakeExchange after("GET /readyz");
  EXPECT_EQ(Serve(router, after).status, 200);
  FakeExchange live("GET /livez");
  EXPECT_EQ(Serve(router, live).status, 200);
}

TEST(Admin, MetricsAreReadWhenTheyAreAskedFor) {
  double value = 1;
  const std::vector<Metric> metrics = {
      {"blindai_models_served", "Models that are served now.", false, [&] { return value; }},
      {"blindai_requests_total", "Requests.", true, [] { return 7.0; }}};
  value = 3;
  EXPECT_EQ(MetricsText(metrics),
            "# HELP blindai_models_served Models that are served now.\n# TYPE blindai_models_served gauge\n"
            "blindai_models_served 3\n"
            "# HELP blindai_requests_total Requests.\n# TYPE blindai_requests_total "
            "counter\nblindai_requests_total 7\n");
}

TEST(Admin, MetricsOfOneNameAreDescribedOnce) {
  const std::vector<Metric> metrics = {{"failures", "Failures.", true, [] { return 1.0; }, R"(reason="A")"},
                                       {"failures", "Failures.", true, [] { return 2.0; }, R"(reason="B")"}};
  EXPECT_EQ(MetricsText(metrics),
            "# HELP failures Failures.\n# TYPE failures counter\n"
            "failures{reason=\"A\"} 1\nfailures{reason=\"B\"} 2\n");
}

}  // namespace
}  // namespace blindai::endpoints
