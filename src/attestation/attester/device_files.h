// The few operations on pseudo-files that attesters need, as an interface, so that every order of events of a
// real kernel (a race, an interrupted wait, a short read) can be played in a test by a model of it.
//
// Outcomes are errno values, 0 for success: what an attester does next depends on which it is.
#pragma once

#include <string>

#include "base/bytes.h"

namespace blindai::attester {

class DeviceFiles {
 public:
  virtual ~DeviceFiles() = default;

  virtual int MakeDirectory(const std::string& path) = 0;
  virtual int RemoveDirectory(const std::string& path) = 0;
  // In one write: configfs takes a value in one piece or not at all.
  virtual int Write(const std::string& path, base::ByteView bytes) = 0;
  // To the end, whatever the size in stat() says; EFBIG when there is more than `max_bytes`.
  virtual int Read(const std::string& path, std::size_t max_bytes, base::Bytes& out) = 0;
};

// The kernel's own.
class PosixDeviceFiles final : public DeviceFiles {
 public:
  int MakeDirectory(const std::string& path) override;
  int RemoveDirectory(const std::string& path) override;
  int Write(const std::string& path, base::ByteView bytes) override;
  int Read(const std::string& path, std::size_t max_bytes, base::Bytes& out) override;
};

// A device that is talked to by ioctl(2).
class DeviceControl {
 public:
  virtual ~DeviceControl() = default;
  // `argument` is the request's structure, which the device may change.
  virtual int Call(unsigned long request, void* argument) = 0;
};

// An open device file; Open gives the errno of open(2).
class PosixDeviceControl final : public DeviceControl {
 public:
  PosixDeviceControl() = default;
  ~PosixDeviceControl() override;
  PosixDeviceControl(const PosixDeviceControl&) = delete;
  PosixDeviceControl& operator=(const PosixDeviceControl&) = delete;

  int Open(const std::string& path);
  int Call(unsigned long request, void* argument) override;

 private:
  int fd_ = -1;
};

}  // namespace blindai::attester
