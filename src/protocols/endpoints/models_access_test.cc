// Who may do what: every caller on every kind of model, each right asked for over HTTP. The table of
// docs/formats/access.md is this one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>

#include "model/sealed_file.h"
#include "protocols/endpoints/models.h"
#include "protocols/endpoints/open_inference_v2.h"
#include "service/model_storage.h"
#include "support/fake_exchange.h"
#include "support/onnx_builder.h"
#include "support/paths.h"
#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using service::Caller;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::Serve;

// y = -x for two numbers.
base::Bytes NegatingModel() {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Node(tests::OnnxNode("Neg", {"x"}, {"y"}));
  return tests::OnnxModel(graph).Opset(17).Bytes();
}

// Whoever asks says so in the Authorization header.
const std::map<std::string_view, Caller>& Callers() {
  static const std::map<std::string_view, Caller> callers = {
      {"owner", {"anna", 1, true, true}},
      {"other", {"bert", 2, true, true}},
      {"listed", {"clara", 3, true, true}},
      {"anonymous", Caller::AnonymousWithAllRights()},
      // A key of the owner's tenant that may only run, and the operator's own key (scope admin).
      {"owners-reader", {"anna", 1, false, true}},
      {"operator", {"operator", 9, false, false}},
  };
  return callers;
}
base::Result<Caller> Identify(const net::RequestHead& head) {
  return Callers().at(head.headers.Find("Authorization").value_or(""));
}

// What each caller gets: is the model in the list, and the status of show, run, replace and delete.
struct Row {
  const char* model;
  const char* caller;
  bool listed;
  int show, run, replace, remove;
};
constexpr int kYes = 200, kMade = 201, kNo = 403, kUnknown = 404, kTaken = 409;
const Row kTable[] = {
    {"private", "owner", true, kYes, kYes, kMade, kYes},
    {"private", "owners-reader", true, kYes, kYes, kNo, kNo},
    {"private", "other", false, kUnknown, kUnknown, kTaken, kUnknown},
    {"private", "listed", false, kUnknown, kUnknown, kTaken, kUnknown},
    {"private", "anonymous", false, kUnknown, kUnknown, kTaken, kUnknown},
    {"private", "operator", false, kUnknown, kUnknown, kNo, kNo},

    {"link", "owner", true, kYes, kYes, kMade, kYes},
    {"link", "owners-reader", true, kYes, kYes, kNo, kNo},
    {"link", "other", false, kYes, kYes, kTaken, kUnknown},
    {"link", "listed", false, kYes, kYes, kTaken, kUnknown},
    {"link", "anonymous", false, kYes, kYes, kTaken, kUnknown},
    {"link", "operator", false, kYes, kNo, kNo, kNo},

    // Two tenants are listed: clara, and one that does not matter.
    {"tenants-listed", "owner", true, kYes, kYes, kMade, kYes},
    {"tenants-listed", "owners-reader", true, kYes, kYes, kNo, kNo},
    {"tenants-listed", "other", false, kUnknown, kUnknown, kTaken, kUnknown},
    {"tenants-listed", "listed", true, kYes, kYes, kTaken, kUnknown},
    {"tenants-listed", "anonymous", false, kUnknown, kUnknown, kTaken, kUnknown},
    {"tenants-listed", "operator", false, kUnknown, kUnknown, kNo, kNo},

    {"tenants", "owner", true, kYes, kYes, kMade, kYes},
    {"tenants", "owners-reader", true, kYes, kYes, kNo, kNo},
    {"tenants", "other", true, kYes, kYes, kTaken, kUnknown},
    {"tenants", "listed", true, kYes, kYes, kTaken, kUnknown},
    {"tenants", "anonymous", false, kUnknown, kUnknown, kTaken, kUnknown},
    {"tenants", "operator", true, kYes, kNo, kNo, kNo},

    {"public", "owner", true, kYes, kYes, kMade, kYes},
    {"public", "owners-reader", true, kYes, kYes, kNo, kNo},
    {"public", "other", true, kYes, kYes, kTaken, kUnknown},
    {"public", "listed", true, kYes, kYes, kTaken, kUnknown},
    {"public", "anonymous", true, kYes, kYes, kTaken, kUnknown},
    {"public", "operator", true, kYes, kNo, kNo, kNo},

    // Of the operator's configuration: everybody's to run, nobody's to change.
    {"configured", "owner", true, kYes, kYes, kTaken, kUnknown},
    {"configured", "owners-reader", true, kYes, kYes, kNo, kNo},
    {"configured", "other", true, kYes, kYes, kTaken, kUnknown},
    {"configured", "listed", true, kYes, kYes, kTaken, kUnknown},
    {"configured", "anonymous", true, kYes, kYes, kTaken, kUnknown},
    {"configured", "operator", true, kYes, kNo, kNo, kNo},
};

// All models are there at once; those that a row deletes are put back.
class AccessTest : public ::testing::TestWithParam<Row> {
 protected:
  static void SetUpTestSuite() { server_ = new Server; }
  static void TearDownTestSuite() { delete server_; }

  FakeAnswer Ask(const std::string& request, base::Bytes body = {}) {
    return server_->Ask(GetParam().caller, request, std::move(body));
  }

  class Server {
   public:
    Server() {
      RegisterModels(router_, models_.catalogue(), models_.upload(), Identify);
      RegisterOpenInferenceV2(router_, models_.catalogue(), ready_,
                              {.server_version = "1", .max_tensor_bytes = 4096, .upload = models_.upload()},
                              Identify);
      for (const char* id : {"private", "link", "tenants-listed", "tenants", "public"}) Upload(id);
      auto configured = service::ModelUpload::BeginForOperator(
          models_.catalogue(), models_.upload(),
          {.id = *vocabulary::ModelId::Parse("configured"), .visibility = service::Visibility::kPublic});
      BLINDAI_CHECK(configured.ok() && (*configured)->Feed(NegatingModel()).ok());
      std::promise<bool> published;
      service::ModelUpload::Finish(std::move(*configured),
                                   [&](const auto& record) { published.set_value(record.ok()); });
      BLINDAI_CHECK(published.get_future().get());
    }
    FakeAnswer Ask(const std::string& caller, const std::string& request, base::Bytes body = {}) {
      FakeExchange exchange(request + "\r\nAuthorization: " + caller, std::move(body));
      return Serve(router_, exchange);
    }
    int lookups() const { return models_.lookups(); }
    void Upload(const std::string& id) {
      const std::string visibility =
          id == "tenants-listed" ? "visibility=tenants&tenants=clara,nobody" : "visibility=" + id;
      BLINDAI_CHECK(Ask("owner", "PUT /v1/models/" + id + "?" + visibility, NegatingModel()).status == 201);
    }

   private:
    tests::ServedModels models_;
    std::atomic<bool> ready_ = true;
    Router router_;
  };
  static inline Server* server_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Table, AccessTest, ::testing::ValuesIn(kTable), [](const auto& run) {
  std::string name = std::string(run.param.model) + "_" + run.param.caller;
  std::ranges::replace(name, '-', '_');
  return name;
});

const base::Bytes kRun =
    base::CopyBytes(base::AsBytes(R"({"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]}]})"));

TEST_P(AccessTest, IsAsTheTableSays) {
  const Row& row = GetParam();
  const std::string model = row.model;
  const bool listed = Ask("GET /v1/models").body.find("\"id\":\"" + model + "\"") != std::string::npos;
  EXPECT_EQ(listed, row.listed) << "list";
  EXPECT_EQ(Ask("GET /v1/models/" + model).status, row.show) << "show";
  EXPECT_EQ(Ask("POST /v2/models/" + model + "/infer", kRun).status, row.run) << "run";
  EXPECT_EQ(Ask("PUT /v1/models/" + model + "?visibility=private", NegatingModel()).status, row.replace)
      << "replace";
  EXPECT_EQ(Ask("DELETE /v1/models/" + model).status, row.remove) << "delete";
  if (row.remove == kYes) {
    EXPECT_EQ(Ask("GET /v1/models/" + model).status, kUnknown);
    server_->Upload(model);
  }
  EXPECT_EQ(server_->Ask(model == "configured" ? "other" : "owner", "GET /v1/models/" + model).status, kYes);
}

// Status, text and header, after the same steps, so that nobody learns which ids exist.
TEST_P(AccessTest, WhatIsNotTheirsIsAnsweredAsWhatDoesNotExist) {
  const Row& row = GetParam();
  const std::string model = row.model;
  const auto same_as_unknown = [&](const std::string& before, const std::string& after, base::Bytes body) {
    const std::string none = std::string(model.size(), 'x');
    const int start = server_->lookups();
    FakeAnswer theirs = Ask(before + model + after, body);
    const int between = server_->lookups();
    const FakeAnswer unknown = Ask(before + none + after, body);
    EXPECT_EQ(between - start, server_->lookups() - between) << before << after;
    const std::size_t at = theirs.body.find("'" + model + "'");
    if (at != std::string::npos) theirs.body.replace(at + 1, model.size(), none);
    EXPECT_EQ(theirs.status, unknown.status) << before << after;
    EXPECT_EQ(theirs.body, unknown.body) << before << after;
    EXPECT_EQ(theirs.headers.fields(), unknown.headers.fields()) << before << after;
  };
  if (row.show == kUnknown) {
    same_as_unknown("GET /v1/models/", "", {});
    same_as_unknown("GET /v1/models/", "?version=1", {});
    for (const char* after : {"", "/ready", "/config", "/stats", "/versions/1", "/versions/2/ready",
                              "/versions/stable", "/versions/stable/stats"})
      same_as_unknown("GET /v2/models/", after, {});
  }
  if (row.run == kUnknown) same_as_unknown("POST /v2/models/", "/infer", kRun);
  if (row.remove == kUnknown) {
    for (const char* after : {"", "?version=1", "?version=stable"})
      same_as_unknown("DELETE /v1/models/", after, {});
    const base::Bytes change = base::CopyBytes(base::AsBytes(R"({"versions":"all","labels":{"stable":1}})"));
    same_as_unknown("PATCH /v1/models/", "", change);
    same_as_unknown("POST /v2/repository/models/", "/unload", {});
  }
}

TEST(AccessTable, HasEveryCallerForEveryModelOnce) {
  std::map<std::pair<std::string, std::string>, int> cells;
  for (const Row& row : kTable) ++cells[{row.model, row.caller}];
  EXPECT_EQ(cells.size(), 6 * Callers().size());
  for (const auto& [cell, count] : cells) EXPECT_EQ(count, 1) << cell.first << " " << cell.second;
}

// ---- on whose account

TEST(RequestsPerMinute, OfAModelSharedByLinkAreItsOwners) {
  const auto now = std::chrono::steady_clock::now();
  tests::ServedModels models({.requests_per_minute = 3, .now = [now] { return now; }});
  std::atomic<bool> ready = true;
  Router router;
  RegisterModels(router, models.catalogue(), models.upload(), Identify);
  RegisterOpenInferenceV2(router, models.catalogue(), ready,
                          {.server_version = "1", .max_tensor_bytes = 4096, .upload = models.upload()},
                          Identify);
  const auto ask = [&](const std::string& caller, const std::string& request, base::Bytes body = {}) {
    FakeExchange exchange(request + "\r\nAuthorization: " + caller, std::move(body));
    return Serve(router, exchange);
  };
  const auto run = [&](const char* caller, const std::string& model) {
    return ask(caller, "POST /v2/models/" + model + "/infer", kRun);
  };
  for (const std::string visibility : {"link", "public"}) {
    ASSERT_EQ(
        ask("owner", "PUT /v1/models/" + visibility + "?visibility=" + visibility, NegatingModel()).status,
        kMade);
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("anonymous", "link").status, kYes);
  const FakeAnswer refused = run("anonymous", "link");
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, testing::HasSubstr("rate-limited"));
  EXPECT_EQ(refused.headers.Find("Retry-After"), "20");
  EXPECT_EQ(run("other", "link").status, 429);
  EXPECT_EQ(run("owner", "public").status, 429) << "it has used up its own";
  EXPECT_EQ(run("anonymous", "public").status, kYes) << "here the caller pays";
  EXPECT_EQ(run("other", "public").status, kYes);
  EXPECT_EQ(ask("anonymous", "GET /v2/models/link").status, kYes) << "looking is free";
}

// ---- stored models over HTTP

class StoredModelsTest : public ::testing::Test {
 protected:
  StoredModelsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    auto files = model::PosixStoreFiles::Open(folder_);
    BLINDAI_CHECK(files.ok());
    storage_ = std::make_unique<service::ModelStorage>(
        model::ModelStore::Open(std::move(*files), base::SecretBytes(base::Bytes(model::kSealingKeyBytes, 7)),
                                {}),
        models_.catalogue());
    RegisterModels(router_, models_.catalogue(), models_.upload(), Identify);
    RegisterOpenInferenceV2(router_, models_.catalogue(), ready_,
                            {.server_version = "1", .max_tensor_bytes = 4096, .upload = models_.upload()},
                            Identify);
  }
  ~StoredModelsTest() override { std::filesystem::remove_all(folder_); }
  FakeAnswer Ask(const std::string& request, base::Bytes body = {}) {
    FakeExchange exchange(request + "\r\nAuthorization: owner", std::move(body));
    return Serve(router_, exchange);
  }

  std::filesystem::path folder_;
  tests::ServedModels models_;
  std::atomic<bool> ready_ = true;
  std::unique_ptr<service::ModelStorage> storage_;
  Router router_;
};

TEST_F(StoredModelsTest, SaysWhatIsSavedWhatSleepsAndWhenItEnds) {
  const FakeAnswer saved = Ask("PUT /v1/models/m?save=true&ttl=3600", NegatingModel());
  ASSERT_EQ(saved.status, 201) << saved.body;
  EXPECT_THAT(saved.body, testing::HasSubstr(R"("saved":true)"));
  EXPECT_THAT(saved.body, testing::HasSubstr(R"("expires_at":)"));
  EXPECT_THAT(saved.body, testing::HasSubstr(R"("state":"ready")"));
  const auto served = models_.catalogue().FindOwn(Callers().at("owner"), *vocabulary::ModelId::Parse("m"));
  ASSERT_TRUE((*served)->host->Suspend());
  EXPECT_THAT(Ask("GET /v1/models/m").body, testing::HasSubstr(R"("state":"stored")"));
  EXPECT_THAT(Ask("GET /v1/models").body, testing::HasSubstr(R"("state":"stored")"));
  EXPECT_EQ(Ask("POST /v2/models/m/infer", kRun).status, 200);
  EXPECT_THAT(Ask("GET /v1/models/m").body, testing::HasSubstr(R"("state":"ready")"));
  // Triton's word for it. A stored model stays.
  EXPECT_EQ(Ask("POST /v2/repository/models/m/unload").status, 200);
  EXPECT_THAT(Ask("GET /v1/models/m").body, testing::HasSubstr(R"("state":"stored")"));
  EXPECT_EQ(Ask("DELETE /v1/models/m").status, 200);
  EXPECT_EQ(Ask("GET /v1/models/m").status, 404);

  EXPECT_THAT(Ask("PUT /v1/models/m", NegatingModel()).body, testing::HasSubstr(R"("saved":false)"));
}

}  // namespace
}  // namespace blindai::endpoints
