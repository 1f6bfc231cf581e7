#include "model/whisper_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/secret.h"

namespace blindai::model {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// The logarithm of the sum of exponentials.
double LogSum(std::span<const float> scores) {
  const float most = std::ranges::max(scores);
  if (most == kNever) return kNever;
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - most);
  return most + std::log(sum);
}

void Forbid(std::span<float> scores, std::span<const std::int32_t> tokens) {
  for (const std::int32_t token : tokens) {
    if (token >= 0 && static_cast<std::size_t>(token) < scores.size())
      scores[static_cast<std::size_t>(token)] = kNever;
  }
}

void ForbidRange(std::span<float> scores, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < std::min(end, scores.size()); ++i) scores[i] = kNever;
}

// Timestamps come in pairs, around each piece of text, and never go back. ApplyTimestampRules of the reference.
void ApplyTimestampRules(const WhisperRules& rules, std::span<const std::int32_t> said,
                         std::span<float> scores) {
  const auto first = static_cast<std::size_t>(rules.first_timestamp);
  const auto is_time = [&rules](std::int32_t token) { return token >= rules.first_timestamp; };
  const bool last_is_time = !said.empty() && is_time(said.back());
  const bool one_before_is_time = said.size() < 2 || is_time(said[said.size() - 2]);
  if (last_is_time && one_before_is_time) ForbidRange(scores, first, scores.size());
  if (last_is_time && !one_before_is_time)
    ForbidRange(scores, 0, static_cast<std::size_t>(rules.end_of_text));
  const auto latest = std::find_if(said.rbegin(), said.rend(), is_time);
  if (latest != said.rend()) {
    // The second of a pair may be the same; the next pair may not, so that no piece of text has no length.
    const bool may_repeat = last_is_time && !one_before_is_time;
    ForbidRange(scores, first, static_cast<std::size_t>(*latest) + (may_repeat ? 0 : 1));
  }
  if (said.empty()) {
    ForbidRange(scores, 0, first);
    ForbidRange(scores, first + static_cast<std::size_t>(rules.last_initial_timestamp) + 1, scores.size());
  }
  // If a timestamp is likelier than every text, it is one.
  const std::span<float> texts = scores.first(first);
  if (LogSum(scores.subspan(first)) > std::ranges::max(texts)) ForbidRange(scores, 0, first);
}

// Scores become log-probabilities of what may be said next.
void ApplyRules(const WhisperRules& rules, std::span<const std::int32_t> said, std::span<float> scores) {
  if (said.empty()) Forbid(scores, rules.suppressed_at_begin);
  Forbid(scores, rules.suppressed);
  if (rules.last_initial_timestamp >= 0) {
    ApplyTimestampRules(rules, said, scores);
  } else {
    ForbidRange(scores, static_cast<std::size_t>(rules.first_timestamp), scores.size());
  }
  const double sum = LogSum(scores);
  if (sum == kNever) {
    // Nothing may be said: then it ends.
    scores[static_cast<std::size_t>(rules.end_of_text)] = 0;
    return;
  }
  for (float& score : scores) score = static_cast<float>(score - sum);
}

// One token drawn with these log-probabilities at a temperature.
std::size_t Draw(std::span<const float> scores, float temperature, std::mt19937& dice) {
  const float most = std::ranges::max(scores);
  double sum = 0;
  for (const float score : scores) sum += std::exp((score - most) / temperature);
  // The distributions of the standard library differ between libraries; this does not.
  double left = sum * (static_cast<double>(dice()) / 4294967296.0);
  for (std::size_t token = 0; token < scores.size(); ++token) {
    left -= std::exp((scores[token] - most) / temperature);
    if (left < 0) return token;
  }
  return static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
}

struct Hypothesis {
  std::vector<std::int32_t> tokens;
  std::vector<float> log_probabilities;
  double sum = 0;

  Hypothesis With(std::int32_t token, float log_probability) const {
    Hypothesis longer = *this;
    longer.Add(token, log_probability);
    return longer;
  }
  void Add(std::int32_t token, float log_probability) {
    tokens.push_back(token);
    log_probabilities.push_back(log_probability);
    sum += log_probability;
  }
  void End(float log_probability) {
    log_probabilities.push_back(log_probability);
    sum += log_probability;
  }
  double mean() const { return sum / static_cast<double>(std::max<std::size_t>(1, tokens.size())); }
};

class Search {
 public:
  Search(const WhisperRules& rules, WhisperDecoder& decoder, const std::function<bool()>& goes_on)
      : rules_(rules), decoder_(decoder), goes_on_(goes_on), scores_(decoder.vocabulary()) {}
  ~Search() { base::Wipe(scores_.data(), scores_.size() * sizeof(float)); }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  WhisperText Find() {
    std::span<const float> rows = decoder_.Begin(rules_.prompt);
    BLINDAI_CHECK(rows.size() == rules_.prompt.size() * width());
    WhisperText text;
    text.start_probabilities = StartProbabilities(rows);
    if (rules_.most_tokens > 0) {
      Hypothesis found = rules_.beams > 1 ? ByBeam(rows.last(width())) : ByOne(rows.last(width()));
      text.tokens = std::move(found.tokens);
      text.log_probabilities = std::move(found.log_probabilities);
    }
    return text;
  }

 private:
  std::size_t width() const { return scores_.size(); }

  std::vector<float> StartProbabilities(std::span<const float> rows) const {
    const auto row = rows.subspan(static_cast<std::size_t>(rules_.start_position) * width(), width());
    const double sum = LogSum(row);
    std::vector<float> probabilities(row.begin(), row.end());
    for (float& value : probabilities) value = static_cast<float>(std::exp(value - sum));
    return probabilities;
  }

  // The row of one hypothesis, as log-probabilities of what may come next.
  std::span<const float> Judge(std::span<const float> row, std::span<const std::int32_t> said) {
    std::ranges::copy(row, scores_.begin());
    ApplyRules(rules_, said, scores_);
    return scores_;
  }

  Hypothesis ByOne(std::span<const float> row) {
    std::mt19937 dice(rules_.seed);
    Hypothesis found;
    while (goes_on_()) {
      const auto judged = Judge(row, found.tokens);
      const std::size_t token =
          rules_.temperature > 0
              ? Draw(judged, rules_.temperature, dice)
              : static_cast<std::size_t>(std::ranges::max_element(judged) - judged.begin());
      if (token == static_cast<std::size_t>(rules_.end_of_text)) {
        found.End(judged[token]);
        break;
      }
      found.Add(static_cast<std::int32_t>(token), judged[token]);
      if (found.tokens.size() == static_cast<std::size_t>(rules_.most_tokens)) break;
      const std::int32_t parent = 0;
      row = decoder_.Next({&parent, 1}, {&found.tokens.back(), 1});
    }
    return found;
  }

  struct Candidate {
    double sum = 0;
    std::int32_t parent = 0;
    std::int32_t token = 0;
    float log_probability = 0;
  };

  // The likeliest continuations of one hypothesis, one more than there are beams, because one of them may be the end.
  void AddCandidates(std::span<const float> judged, std::int32_t parent, double sum,
                     std::vector<Candidate>& candidates) {
    order_.resize(width());
    std::iota(order_.begin(), order_.end(), 0);
    const auto kept = order_.begin() + std::min<std::ptrdiff_t>(rules_.beams + 1, std::ssize(order_));
    std::partial_sort(order_.begin(), kept, order_.end(), [&judged](std::int32_t a, std::int32_t b) {
      const float left = judged[static_cast<std::size_t>(a)];
      const float right = judged[static_cast<std::size_t>(b)];
      return left != right ? left > right : a < b;
    });
    for (auto token = order_.begin(); token != kept; ++token) {
      const float log_probability = judged[static_cast<std::size_t>(*token)];
      if (log_probability != kNever)
        candidates.push_back({sum + log_probability, parent, *token, log_probability});
    }
  }

  Hypothesis ByBeam(std::span<const float> row) {
    const auto beams = static_cast<std::size_t>(rules_.beams);
    std::vector<Hypothesis> alive(1);
    std::vector<Hypothesis> ended;
    std::span<const float> rows = row;
    while (goes_on_()) {
      std::vector<Candidate> candidates;
      for (std::size_t i = 0; i < alive.size(); ++i) {
        const auto judged = Judge(rows.subspan(i * width(), width()), alive[i].tokens);
        AddCandidates(judged, static_cast<std::int32_t>(i), alive[i].sum, candidates);
      }
      std::ranges::stable_sort(candidates, std::greater<>(), &Candidate::sum);
      std::vector<Hypothesis> next;
      std::vector<std::int32_t> parents;
      std::vector<std::int32_t> tokens;
      for (const Candidate& candidate : candidates) {
        const Hypothesis& parent = alive[static_cast<std::size_t>(candidate.parent)];
        if (candidate.token == rules_.end_of_text) {
          if (ended.size() < beams) ended.emplace_back(parent).End(candidate.log_probability);
          continue;
        }
        next.push_back(parent.With(candidate.token, candidate.log_probability));
        parents.push_back(candidate.parent);
        tokens.push_back(candidate.token);
        if (next.size() == beams) break;
      }
      if (next.empty()) break;
      alive = std::move(next);
      if (ended.size() >= beams ||
          alive.front().tokens.size() == static_cast<std::size_t>(rules_.most_tokens))
        break;
      rows = decoder_.Next(parents, tokens);
    }
    if (ended.size() < beams) std::ranges::move(alive, std::back_inserter(ended));
    return std::move(*std::ranges::max_element(ended, {}, &Hypothesis::mean));
  }

  const WhisperRules& rules_;
  WhisperDecoder& decoder_;
  const std::function<bool()>& goes_on_;
  std::vector<float> scores_;
  std::vector<std::int32_t> order_;
};

}  // namespace

WhisperText FindWhisperText(const WhisperRules& rules, WhisperDecoder& decoder,
                            const std::function<bool()>& goes_on) {
  return Search(rules, decoder, goes_on).Find();
}

}  // namespace blindai::model
