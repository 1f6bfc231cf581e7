#include "speech/decode_audio.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "speech/audio_container.h"

namespace blindai::speech {
namespace {

constexpr int kMostSourceChannels = 8;
constexpr int kSlowestSourceHz = 1'000;
constexpr int kFastestSourceHz = 768'000;
constexpr int kMostStreams = 32;
constexpr int kInputBufferBytes = 64 << 10;
// The index of an mp4 of four hours takes 16 MiB; nothing honest needs more than this at once.
constexpr std::size_t kMostBytesAtOnce = std::size_t{64} << 20;

// The decoders that may start, by FFmpeg's names.
struct AllowedCodec {
  AVCodecID id;
  const char* decoder;
};
constexpr std::array kAllowedCodecs = {AllowedCodec{AV_CODEC_ID_FLAC, "flac"},
                                       AllowedCodec{AV_CODEC_ID_MP3, "mp3float"},
                                       AllowedCodec{AV_CODEC_ID_AAC, "aac"},
                                       AllowedCodec{AV_CODEC_ID_OPUS, "opus"},
                                       AllowedCodec{AV_CODEC_ID_VORBIS, "vorbis"},
                                       AllowedCodec{AV_CODEC_ID_ALAC, "alac"},
                                       AllowedCodec{AV_CODEC_ID_PCM_U8, "pcm_u8"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S8, "pcm_s8"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S16LE, "pcm_s16le"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S16BE, "pcm_s16be"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S24LE, "pcm_s24le"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S24BE, "pcm_s24be"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S32LE, "pcm_s32le"},
                                       AllowedCodec{AV_CODEC_ID_PCM_S32BE, "pcm_s32be"},
                                       AllowedCodec{AV_CODEC_ID_PCM_F32LE, "pcm_f32le"},
                                       AllowedCodec{AV_CODEC_ID_PCM_F32BE, "pcm_f32be"},
                                       AllowedCodec{AV_CODEC_ID_PCM_F64LE, "pcm_f64le"},
                                       AllowedCodec{AV_CODEC_ID_PCM_F64BE, "pcm_f64be"},
                                       AllowedCodec{AV_CODEC_ID_PCM_ALAW, "pcm_alaw"},
                                       AllowedCodec{AV_CODEC_ID_PCM_MULAW, "pcm_mulaw"}};

const AVCodec* FindDecoder(AVCodecID id) {
  const auto* const found = std::ranges::find(kAllowedCodecs, id, &AllowedCodec::id);
  return found == kAllowedCodecs.end() ? nullptr : avcodec_find_decoder_by_name(found->decoder);
}

std::string DecoderNames() {
  std::string names;
  for (const AllowedCodec& codec : kAllowedCodecs)
    names += (names.empty() ? "" : ",") + std::string(codec.decoder);
  return names;
}

const char* DemuxerName(AudioContainer container) {
  switch (container) {
    case AudioContainer::kWav:
      return "wav";
    case AudioContainer::kAiff:
      return "aiff";
    case AudioContainer::kFlac:
      return "flac";
    case AudioContainer::kMp3:
      return "mp3";
    case AudioContainer::kAdts:
      return "aac";
    case AudioContainer::kMp4:
      return "mp4";
    case AudioContainer::kOgg:
      return "ogg";
    case AudioContainer::kMatroska:
      return "matroska";
    case AudioContainer::kUnknown:
      break;
  }
  return nullptr;
}

bool IsEncryptedTag(std::uint32_t tag) {
  return tag == MKTAG('e', 'n', 'c', 'a') || tag == MKTAG('d', 'r', 'm', 's');
}

void CheckMemory(const void* allocated) {
  if (allocated == nullptr) throw std::bad_alloc();
}

// Of a result of FFmpeg that is not what was hoped for.
void CheckMemory(int result) {
  if (result == AVERROR(ENOMEM)) throw std::bad_alloc();
}

// Bytes in memory as FFmpeg reads them.
struct MemoryInput {
  base::ByteView bytes;
  std::size_t at = 0;

  static int Read(void* self, std::uint8_t* into, int size) {
    auto& input = *static_cast<MemoryInput*>(self);
    const std::size_t count = std::min(static_cast<std::size_t>(size), input.bytes.size() - input.at);
    if (count == 0) return AVERROR_EOF;
    std::memcpy(into, input.bytes.data() + input.at, count);
    input.at += count;
    return static_cast<int>(count);
  }

  static std::int64_t Seek(void* self, std::int64_t offset, int whence) {
    auto& input = *static_cast<MemoryInput*>(self);
    const auto size = static_cast<std::int64_t>(input.bytes.size());
    std::int64_t from = 0;
    switch (whence & ~AVSEEK_FORCE) {
      case AVSEEK_SIZE:
        return size;
      case SEEK_SET:
        break;
      case SEEK_CUR:
        from = static_cast<std::int64_t>(input.at);
        break;
      case SEEK_END:
        from = size;
        break;
      default:
        return AVERROR(EINVAL);
    }
    if (offset < -from || offset > size - from) return AVERROR(EINVAL);
    input.at = static_cast<std::size_t>(from + offset);
    return static_cast<std::int64_t>(input.at);
  }
};

int RefuseOtherFiles(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

struct FreeInput {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
struct CloseFormat {
  void operator()(AVFormatContext* format) const { avformat_close_input(&format); }
};
struct FreeCodec {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};
struct FreeResampler {
  void operator()(SwrContext* resampler) const { swr_free(&resampler); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};

// Samples of any kind and rate to 16 kHz floats of one or two channels.
class Resampler {
 public:
  bool Fits(const AVFrame& frame) const {
    return swr_ != nullptr && frame.format == format_ && frame.sample_rate == rate_hz_ &&
           frame.ch_layout.nb_channels == channels_;
  }

  // False: not a kind of samples that exists.
  bool Configure(const AVFrame& frame) {
    format_ = frame.format;
    rate_hz_ = frame.sample_rate;
    channels_ = frame.ch_layout.nb_channels;
    if (channels_ < 1 || channels_ > kMostSourceChannels || rate_hz_ < kSlowestSourceHz ||
        rate_hz_ > kFastestSourceHz) {
      return false;
    }
    AVChannelLayout layout{};
    av_channel_layout_default(&layout, channels_);
    SwrContext* swr = nullptr;
    CheckMemory(swr_alloc_set_opts2(&swr, &layout, AV_SAMPLE_FMT_FLTP, kDecodedRateHz, &layout,
                                    static_cast<AVSampleFormat>(format_), rate_hz_, 0, nullptr));
    swr_.reset(swr);
    CheckMemory(swr);
    return av_opt_set(swr, "resampler", "soxr", 0) == 0 && swr_init(swr) == 0;
  }

  // Converts a frame, or with none what is left inside, and hands it on as channels.
  template <typename Sink>
  bool Convert(const AVFrame* frame, const Sink& sink) {
    const int in = frame != nullptr ? frame->nb_samples : 0;
    const int room = swr_get_out_samples(swr_.get(), in);
    if (room < 0) return false;
    planes_.resize(static_cast<std::size_t>(room) * static_cast<std::size_t>(channels_));
    std::array<std::uint8_t*, kMostSourceChannels> out{};
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels_); ++c) {
      out[c] = reinterpret_cast<std::uint8_t*>(planes_.data() + c * static_cast<std::size_t>(room));
    }
    auto** const from = frame != nullptr ? const_cast<const std::uint8_t**>(frame->extended_data) : nullptr;
    const int got = swr_convert(swr_.get(), out.data(), room, from, in);
    CheckMemory(got);
    if (got < 0) return false;
    for (int i = 0; i < got; ++i) {
      const auto value = [&](int channel) {
        return planes_[static_cast<std::size_t>(channel) * static_cast<std::size_t>(room) +
                       static_cast<std::size_t>(i)];
      };
      if (channels_ == kMaxChannels) {
        sink(value(0), value(1));
        continue;
      }
      float sum = 0;
      for (int c = 0; c < channels_; ++c) sum += value(c);
      const float mean = sum / static_cast<float>(channels_);
      sink(mean, mean);
    }
    return true;
  }

  bool ready() const { return swr_ != nullptr; }
  int channels() const { return channels_; }

 private:
  std::unique_ptr<SwrContext, FreeResampler> swr_;
  int format_ = 0;
  int rate_hz_ = 0;
  int channels_ = 0;
  std::vector<float> planes_;
};

class FfmpegReader : public AudioReader {
 public:
  FfmpegReader(base::ByteView file, const DecodeLimits& limits) : input_{file}, limits_(limits) {}

  // Nothing: it is open.
  std::optional<DecodeRefusal> Start() {
    if (const auto refusal = OpenContainer()) return refusal;
    if (const auto refusal = OpenStream()) return refusal;
    packet_.reset(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    CheckMemory(packet_.get());
    CheckMemory(frame_.get());
    while (!ended_ && pending(0).empty()) {
      if (const auto refusal = Step()) return refusal;
    }
    if (pending(0).empty()) return bad_ > 0 ? DecodeRefusal::kDamaged : DecodeRefusal::kEmpty;
    opened_.channels = resampler_.channels() == kMaxChannels ? 2 : 1;
    return std::nullopt;
  }

  OpenedMessage opened() const override { return opened_; }

  std::variant<SamplesMessage, DecodeRefusal> Read(std::span<float> first, std::span<float> second) override {
    try {
      return Fill(first, second);
    } catch (const std::bad_alloc&) {
      return DecodeRefusal::kMemory;
    }
  }

 private:
  std::variant<SamplesMessage, DecodeRefusal> Fill(std::span<float> first, std::span<float> second) {
    SamplesMessage samples;
    while (samples.samples < first.size()) {
      const std::size_t ready = pending(0).size();
      if (ready == 0) {
        if (ended_) break;
        if (const auto refusal = Step()) return *refusal;
        continue;
      }
      const std::size_t count = std::min(ready, first.size() - samples.samples);
      std::ranges::copy(pending(0).first(count), first.subspan(samples.samples).begin());
      if (opened_.channels == 2) {
        std::ranges::copy(pending(1).first(count), second.subspan(samples.samples).begin());
      }
      taken_ += count;
      samples.samples += static_cast<std::uint32_t>(count);
    }
    samples.last = ended_ && pending(0).empty();
    return samples;
  }

  std::optional<DecodeRefusal> OpenContainer() {
    const AudioContainer container =
        SniffContainer(input_.bytes.first(std::min(input_.bytes.size(), kSniffBytes)));
    const char* const name = DemuxerName(container);
    if (name == nullptr) return DecodeRefusal::kNotAudio;
    const AVInputFormat* const demuxer = av_find_input_format(name);
    if (demuxer == nullptr) return DecodeRefusal::kInternal;

    auto* const buffer = static_cast<std::uint8_t*>(av_malloc(kInputBufferBytes));
    CheckMemory(buffer);
    io_.reset(avio_alloc_context(buffer, kInputBufferBytes, 0, &input_, MemoryInput::Read, nullptr,
                                 MemoryInput::Seek));
    if (io_ == nullptr) av_free(buffer);
    CheckMemory(io_.get());
    AVFormatContext* format = avformat_alloc_context();
    CheckMemory(format);
    format->pb = io_.get();
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->io_open = RefuseOtherFiles;
    format->max_streams = kMostStreams;
    const std::string names = DecoderNames();
    format->codec_whitelist = av_strdup(names.c_str());
    const int opened = avformat_open_input(&format, nullptr, demuxer, nullptr);  // frees it when it fails
    CheckMemory(opened);
    if (opened < 0) {
      const bool cut = container == AudioContainer::kMp4 && EndsBeforeMp4Index(input_.bytes);
      return cut ? DecodeRefusal::kTruncated : DecodeRefusal::kNotAudio;
    }
    format_.reset(format);
    for (unsigned i = 0; i < format->nb_streams; ++i) {
      AVStream& stream = *format->streams[i];
      if (stream.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) stream.discard = AVDISCARD_ALL;
    }
    CheckMemory(avformat_find_stream_info(format, nullptr));
    return std::nullopt;
  }

  std::optional<DecodeRefusal> OpenStream() {
    const int index = av_find_best_stream(format_.get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
    if (index < 0) return DecodeRefusal::kNoStream;
    stream_ = format_->streams[index];
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
      if (format_->streams[i] != stream_) format_->streams[i]->discard = AVDISCARD_ALL;
    }
    const AVCodecParameters& parameters = *stream_->codecpar;
    if (IsEncryptedTag(parameters.codec_tag) ||
        av_stream_get_side_data(stream_, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr) != nullptr) {
      return DecodeRefusal::kEncrypted;
    }
    const AVCodec* const decoder = FindDecoder(parameters.codec_id);
    if (decoder == nullptr) return DecodeRefusal::kCodec;
    codec_.reset(avcodec_alloc_context3(decoder));
    CheckMemory(codec_.get());
    CheckMemory(avcodec_parameters_to_context(codec_.get(), &parameters));
    codec_->pkt_timebase = stream_->time_base;
    codec_->thread_count = 1;
    // FLAC carries checksums that hold; MP3's are often wrong in files that play well.
    if (parameters.codec_id == AV_CODEC_ID_FLAC) codec_->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    const int opened = avcodec_open2(codec_.get(), decoder, nullptr);
    CheckMemory(opened);
    if (opened < 0) return DecodeRefusal::kCodec;
    opened_.announced_ms = AnnouncedMs();
    if (opened_.announced_ms / 1000 > limits_.max_seconds) return DecodeRefusal::kTooLong;
    return std::nullopt;
  }

  // What the file itself states, not what is guessed from a bit rate. The length of a container is the sound's only
  // when there is nothing else in it.
  std::uint64_t AnnouncedMs() const {
    std::int64_t ms = 0;
    if (const auto wav_bytes = StatedWavBytes(input_.bytes); wav_bytes && stream_->codecpar->bit_rate > 0) {
      // The library would tell what is there instead.
      ms = av_rescale(static_cast<std::int64_t>(*wav_bytes), 8'000, stream_->codecpar->bit_rate);
    } else if (format_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) {
      return 0;
    } else if (stream_->duration != AV_NOPTS_VALUE) {
      ms = av_rescale_q(stream_->duration, stream_->time_base, AVRational{1, 1000});
    } else if (format_->nb_streams == 1 && format_->duration != AV_NOPTS_VALUE) {
      ms = av_rescale(format_->duration, 1000, AV_TIME_BASE);
    }
    return ms > 0 ? static_cast<std::uint64_t>(ms) : 0;
  }

  // One step of decoding: a frame more in `pending`, or a packet more in the decoder, or the end.
  std::optional<DecodeRefusal> Step() {
    const int got = avcodec_receive_frame(codec_.get(), frame_.get());
    if (got == 0) return Take(*frame_);
    CheckMemory(got);
    if (got == AVERROR_EOF) return End();
    if (got != AVERROR(EAGAIN)) CountBad();
    return draining_ ? End() : Feed();
  }

  std::optional<DecodeRefusal> Feed() {
    av_packet_unref(packet_.get());
    const int read = av_read_frame(format_.get(), packet_.get());
    CheckMemory(read);
    if (read < 0) {
      draining_ = true;
      CheckMemory(avcodec_send_packet(codec_.get(), nullptr));
      return std::nullopt;
    }
    if (packet_->stream_index != stream_->index) return std::nullopt;
    if (av_packet_get_side_data(packet_.get(), AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr) {
      return DecodeRefusal::kEncrypted;
    }
    ++packets_;
    const int sent = avcodec_send_packet(codec_.get(), packet_.get());
    CheckMemory(sent);
    if (sent < 0) CountBad();
    return std::nullopt;
  }

  // A packet that cannot be decoded becomes as much silence, so that the times of what follows stay true.
  void CountBad() {
    ++bad_;
    if (packet_->duration <= 0 || !resampler_.ready()) return;
    const std::int64_t samples =
        av_rescale_q(packet_->duration, stream_->time_base, AVRational{1, kDecodedRateHz});
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(samples, kDecodedRateHz));
    for (auto& channel : pending_) channel.insert(channel.end(), count, 0.0F);
    produced_ += count;
  }

  std::optional<DecodeRefusal> Take(const AVFrame& frame) {
    if (frame.nb_samples <= 0) return std::nullopt;
    if (!resampler_.Fits(frame)) {
      if (resampler_.ready()) {
        if (const auto refusal = Convert(nullptr)) return refusal;
      }
      if (!resampler_.Configure(frame)) return DecodeRefusal::kCodec;
    }
    return Convert(&frame);
  }

  std::optional<DecodeRefusal> Convert(const AVFrame* frame) {
    for (auto& channel : pending_)
      channel.erase(channel.begin(), channel.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    bool finite = true;
    const std::size_t before = pending_[0].size();
    const bool converted = resampler_.Convert(frame, [&](float first, float second) {
      finite = finite && std::isfinite(first) && std::isfinite(second);
      pending_[0].push_back(first);
      pending_[1].push_back(second);
    });
    if (!converted) return DecodeRefusal::kDamaged;
    if (!finite) return DecodeRefusal::kNotFinite;
    produced_ += pending_[0].size() - before;
    if (produced_ > std::uint64_t{limits_.max_seconds} * kDecodedRateHz) return DecodeRefusal::kTooLong;
    const std::uint64_t plausible_seconds =
        limits_.ratio_grace_seconds + input_.bytes.size() / limits_.min_bytes_per_second;
    if (produced_ > plausible_seconds * kDecodedRateHz) return DecodeRefusal::kRatio;
    return std::nullopt;
  }

  // All packets have been decoded.
  std::optional<DecodeRefusal> End() {
    if (resampler_.ready()) {
      if (const auto refusal = Convert(nullptr)) return refusal;
    }
    ended_ = true;
    constexpr std::uint64_t kMostBad = 8;
    if (bad_ > kMostBad + packets_ / 50) return DecodeRefusal::kDamaged;
    // Encoders round to whole frames and forget their delay: a second and two percent are theirs.
    const std::uint64_t produced_ms = produced_ * 1000 / kDecodedRateHz;
    if (produced_ms + 1000 + opened_.announced_ms / 50 < opened_.announced_ms)
      return DecodeRefusal::kTruncated;
    return std::nullopt;
  }

  std::span<const float> pending(std::size_t channel) const {
    return std::span<const float>(pending_[channel]).subspan(taken_);
  }

  MemoryInput input_;
  const DecodeLimits limits_;
  OpenedMessage opened_;
  std::unique_ptr<AVIOContext, FreeInput> io_;
  std::unique_ptr<AVFormatContext, CloseFormat> format_;
  AVStream* stream_ = nullptr;  // of format_
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<AVPacket, FreePacket> packet_;
  std::unique_ptr<AVFrame, FreeFrame> frame_;
  Resampler resampler_;
  std::array<std::vector<float>, kMaxChannels> pending_;
  std::size_t taken_ = 0;  // of pending_
  bool draining_ = false;
  bool ended_ = false;
  std::uint64_t packets_ = 0;
  std::uint64_t bad_ = 0;
  std::uint64_t produced_ = 0;
};

}  // namespace

std::variant<std::unique_ptr<AudioReader>, DecodeRefusal> AudioReader::Open(base::ByteView file,
                                                                            const DecodeLimits& limits) {
  // The libraries would print what is in the file.
  av_log_set_callback([](void*, int, const char*, va_list) {});
  av_max_alloc(kMostBytesAtOnce);
  try {
    auto reader = std::make_unique<FfmpegReader>(file, limits);
    if (const auto refusal = reader->Start()) return *refusal;
    return std::unique_ptr<AudioReader>(std::move(reader));
  } catch (const std::bad_alloc&) {
    return DecodeRefusal::kMemory;
  }
}

}  // namespace blindai::speech
