// A file system of a size of its own, to be filled up.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

namespace freshet::testing {

// A file system of its own, gone with the object.
class SmallDisk {
 public:
  SmallDisk(std::string folder, uint64_t bytes) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    const std::string size = fmt::format("size={}", bytes);
    is_mounted_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    EXPECT_TRUE(is_mounted_) << std::strerror(errno) << ": mounting takes root";
  }
  ~SmallDisk() {
    if (is_mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return is_mounted_; }
  uint64_t FreeBytes() const {
    struct statvfs about = {};
    EXPECT_EQ(statvfs(folder_.c_str(), &about), 0);
    return about.f_bavail * about.f_frsize;
  }
  // Takes space until no more than `bytes` are left.
  void LeaveFree(uint64_t bytes) {
    const int file = open(Ballast().c_str(), O_CREAT | O_WRONLY, 0600);
    ASSERT_GE(file, 0);
    const uint64_t free = FreeBytes();
    const auto taken = static_cast<off_t>(free > bytes ? free - bytes : 1);
    EXPECT_EQ(posix_fallocate(file, 0, taken), 0);
    close(file);
  }
  void GiveBack() { std::filesystem::remove(Ballast()); }

 private:
  std::string Ballast() const { return folder_ + "/ballast"; }

  const std::string folder_;
  bool is_mounted_ = false;
};

}  // namespace freshet::testing
