// What the library in a node's process (disk-faults.c) and the tool beside it (disk-tool.c) share: the
// control block, and for each file what a power cut would leave of it. All of it lies in files of one
// folder, the state folder, so that it outlives the process, as a disk does.
//
//   control        faults that are active, and counters of what they did
//   names          changes of names in the node's folder since its last sync, oldest first
//   pages-<inode>  a byte for each page of a file: is it durable as it is?
//   images-<inode> the durable content of the pages that are not, each at its own place
//
// The model is Linux's page cache: a write makes pages dirty; a sync writes dirty pages; a sync that
// fails leaves them clean and unwritten, so that no later sync writes them unless they are written
// again. Source: "PostgreSQL's fsync() surprise", lwn.net/Articles/752063; fsync(2), rename(2).
//
// Every access to a file is a raw system call: the library replaces the C functions of those names.

#ifndef DISK_STATE_H
#define DISK_STATE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "offsets are passed to system calls in one register");

#define PAGE 4096
#define SECTOR 512
#define PAGES_MAX (1u << 20) // Files of up to 4 GiB.
#define NAME_BYTES 64
#define FOLDER_BYTES 400
#define PATH_BYTES 512 // Of a name in one of the folders.
#define CONTROL_VERSION 0x6f726401u

enum { FAIL_WRITE = 1, FAIL_READ = 2, FAIL_SYNC = 4 };

// Counters only grow; the runner compares before and after.
#define COUNTERS(each)                                                                             \
  each(writes) each(syncs) each(reads) each(writesFailed) each(readsFailed) each(syncsFailed)      \
  each(refusedForSpace) each(slowed) each(unseen) each(lives)

#define COUNTER_FIELD(name) uint64_t name;
struct control {
  uint32_t version;
  uint32_t fail;         // FAIL_… bits
  uint32_t writeDelayUs; // before each write
  uint32_t syncDelayUs;  // before each sync
  int64_t bytesLeft;     // that files may still grow by; negative: no limit
  COUNTERS(COUNTER_FIELD)
};

// Of a page: as durable as it is; written since; given up by a failed sync; both, in this order.
enum { CLEAN = 0, DIRTY = 1, FORSAKEN = 2, FORSAKEN_DIRTY = 3 };

struct pages {
  uint64_t durableBytes; // size that a power cut leaves
  uint64_t unsyncedWrites, unsyncedBytes;
  uint32_t first, end; // dirty or forsaken pages lie in first <= page < end
  uint8_t state[PAGES_MAX];
};

static inline int rawOpen(const char *path, int flags, int mode) {
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}
static inline void rawClose(int fd) { syscall(SYS_close, fd); }
static inline ssize_t rawRead(int fd, void *bytes, size_t length, off_t at) {
  return syscall(SYS_pread64, fd, bytes, length, at);
}
static inline ssize_t rawWrite(int fd, const void *bytes, size_t length, off_t at) {
  return syscall(SYS_pwrite64, fd, bytes, length, at);
}
static inline int rawTruncate(int fd, off_t length) {
  return (int)syscall(SYS_ftruncate, fd, length);
}
static inline int rawUnlink(const char *path) {
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
static inline int rawLink(const char *from, const char *to) {
  return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
static inline int rawRename(const char *from, const char *to) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

// Maps a file of the state folder, made with zeros where it is missing; NULL with errno set on failure.
static inline void *mapState(const char *path, size_t length) {
  int fd = rawOpen(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0) return NULL;
  void *map = MAP_FAILED;
  if (rawTruncate(fd, (off_t)length) == 0) {
    map = (void *)syscall(SYS_mmap, NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  int why = errno;
  rawClose(fd);
  errno = why;
  return map == MAP_FAILED ? NULL : map;
}

// Files whose disk is modelled: the protocol log and the ledger, with their companions, but not the
// shared memory of SQLite, which a restart builds anew.
static inline int isModelled(const char *name) {
  size_t length = strlen(name);
  if (length >= NAME_BYTES || strpbrk(name, " \n") != NULL) return 0;
  if (length > 4 && strcmp(name + length - 4, "-shm") == 0) return 0;
  return strncmp(name, "protocol.log", 12) == 0 || strncmp(name, "ledger.sqlite", 13) == 0;
}

// Everything is durable as it is now, at this size.
static inline void allDurable(struct pages *pages, uint64_t bytes) {
  if (pages->end > pages->first) memset(pages->state + pages->first, CLEAN, pages->end - pages->first);
  pages->first = pages->end = 0;
  pages->unsyncedWrites = pages->unsyncedBytes = 0;
  pages->durableBytes = bytes;
}

// A replaced or removed file lies here, under its number, until the removal of its name is durable.
#define KEPT_FOLDER ".unsynced"

#endif
