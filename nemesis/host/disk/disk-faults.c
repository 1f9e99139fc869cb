// The disk under a node's process, as a library that is loaded before libc (LD_PRELOAD): it keeps what
// a power cut would leave of the node's files, and lets reads, writes and syncs fail or wait as the
// control block says. disk-tool.c changes that block, and performs the cut when the process is gone.
//
//   DISK_FAULTS_FOLDER  the node's folder      DISK_FAULTS_STATE  the state folder (disk-state.h)
//
// Where either is missing it only passes calls on. It covers what Node (libuv) and SQLite call; a way
// into a file that it cannot follow (a shared writable mapping, copy_file_range, sendfile) is counted
// as `unseen`, and whoever reads the counters must not believe the rest then.

#include "disk-state.h"
#include <pthread.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))
#define FILES_MAX 250
#define FDS_MAX 4096
#define FOLDER_FD 0xff // Stands in `files` for a descriptor of the folder itself.

struct file {
  ino_t inode;
  struct pages *pages;
  int images;
};

static char folder[FOLDER_BYTES], state[FOLDER_BYTES];
static struct stat folderStat;
static struct control *control;
static struct file files[FILES_MAX];
static unsigned fileCount;
static uint8_t fileOfFd[FDS_MAX]; // Index in `files` plus one; 0: not ours.
static int namesFd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define ADD(counter, amount) __atomic_fetch_add(&control->counter, amount, __ATOMIC_RELAXED)
#define READ_FIELD(field) __atomic_load_n(&control->field, __ATOMIC_RELAXED)

// A disk that is not modelled as promised must not look as if it were.
static void giveUp(const char *what) {
  char line[200];
  int length = snprintf(line, sizeof line, "disk-faults: %s: %s\n", what, strerror(errno));
  syscall(SYS_write, 2, line, length);
  _exit(70);
}

__attribute__((constructor)) static void begin(void) {
  const char *nodeFolder = getenv("DISK_FAULTS_FOLDER"), *stateFolder = getenv("DISK_FAULTS_STATE");
  if (nodeFolder == NULL || stateFolder == NULL) return;
  if (strlen(nodeFolder) >= FOLDER_BYTES || strlen(stateFolder) >= FOLDER_BYTES) {
    errno = ENAMETOOLONG;
    giveUp("folder");
  }
  strcpy(folder, nodeFolder);
  strcpy(state, stateFolder);
  if (syscall(SYS_newfstatat, AT_FDCWD, folder, &folderStat, 0) != 0) giveUp("node's folder");
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/names", state);
  namesFd = rawOpen(path, O_RDWR | O_CREAT | O_APPEND, 0600);
  snprintf(path, sizeof path, "%s/control", state);
  control = mapState(path, sizeof *control);
  if (control == NULL || namesFd < 0) giveUp("state folder");
  if (control->version != CONTROL_VERSION) giveUp("control block of another version");
  ADD(lives, 1);
}

// ---- Which files are ours ----

// The name within the node's folder that a path means; NULL where it lies elsewhere.
static const char *nameInFolder(int at, const char *path) {
  if (control == NULL || path == NULL) return NULL;
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  if (!isModelled(name)) return NULL;
  char parent[PATH_BYTES];
  size_t length = slash == NULL ? 1 : (size_t)(slash - path);
  if (length >= sizeof parent) return NULL;
  memcpy(parent, slash == NULL ? "." : path, length);
  parent[length] = 0;
  struct stat found;
  if (syscall(SYS_newfstatat, at, length == 0 ? "/" : parent, &found, 0) != 0) return NULL;
  return found.st_ino == folderStat.st_ino && found.st_dev == folderStat.st_dev ? name : NULL;
}

static struct file *fileOf(int fd) {
  if (fd < 0 || fd >= FDS_MAX || fileOfFd[fd] == 0 || fileOfFd[fd] == FOLDER_FD) return NULL;
  return &files[fileOfFd[fd] - 1];
}

static off_t sizeOf(int fd) {
  struct stat found;
  return syscall(SYS_fstat, fd, &found) == 0 ? found.st_size : 0;
}

// The state of an inode, from the state folder where an earlier life left some. `isNew`: it was made
// just now, and what is left there was of a file that had its number before.
static void follow(int fd, int isNew) {
  struct stat found;
  if (fd >= FDS_MAX || syscall(SYS_fstat, fd, &found) != 0) giveUp("open file");
  unsigned index = 0;
  while (index < fileCount && files[index].inode != found.st_ino) index++;
  if (index == FILES_MAX) giveUp("too many files");
  struct file *file = &files[index];
  if (index == fileCount) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/images-%lu", state, (unsigned long)found.st_ino);
    file->images = rawOpen(path, O_RDWR | O_CREAT, 0600);
    snprintf(path, sizeof path, "%s/pages-%lu", state, (unsigned long)found.st_ino);
    int known = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
    file->pages = mapState(path, sizeof *file->pages);
    if (file->images < 0 || file->pages == NULL) giveUp("state of a file");
    if (!known) file->pages->durableBytes = (uint64_t)found.st_size;
    file->inode = found.st_ino;
    fileCount++;
  }
  if (isNew) allDurable(file->pages, 0);
  fileOfFd[fd] = (uint8_t)(index + 1);
}

// ---- What a power cut would leave ----

// Before bytes change: keeps the durable content of the pages that hold them.
static void beforeChange(struct file *file, int fd, off_t from, off_t to) {
  struct pages *pages = file->pages;
  for (off_t page = from / PAGE; page * PAGE < to; page++) {
    if (page >= PAGES_MAX) {
      ADD(unseen, 1);
      return;
    }
    if (pages->state[page] == FORSAKEN) pages->state[page] = FORSAKEN_DIRTY;
    if (pages->state[page] != CLEAN) continue;
    uint8_t image[PAGE] = {0};
    if (rawRead(fd, image, PAGE, page * PAGE) < 0) {
      // A descriptor that cannot read: through its name under /proc. (Closing it drops the process's
      // POSIX locks on the file; who locks, as SQLite, reads too.)
      char path[64];
      snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
      int again = rawOpen(path, O_RDONLY, 0);
      if (again < 0 || rawRead(again, image, PAGE, page * PAGE) < 0) giveUp("reading before a write");
      rawClose(again);
    }
    if (rawWrite(file->images, image, PAGE, page * PAGE) != PAGE) giveUp("keeping a page");
    if (pages->end == 0) pages->first = (uint32_t)page;
    if (page < pages->first) pages->first = (uint32_t)page;
    if (page >= pages->end) pages->end = (uint32_t)page + 1;
    pages->state[page] = DIRTY;
  }
}

// After a sync of the file that succeeded, or failed.
static void afterSync(struct file *file, int fd, int failed) {
  struct pages *pages = file->pages;
  uint32_t first = 0, end = 0;
  for (uint32_t page = pages->first; page < pages->end; page++) {
    uint8_t *now = &pages->state[page];
    if (*now == CLEAN) continue;
    if (failed) *now = FORSAKEN;
    else if (*now != FORSAKEN) *now = CLEAN;
    if (*now == CLEAN) continue;
    if (end == 0) first = page;
    end = page + 1;
  }
  pages->first = first;
  pages->end = end;
  if (failed) return;
  pages->durableBytes = (uint64_t)sizeOf(fd);
  pages->unsyncedWrites = pages->unsyncedBytes = 0;
}

// ---- Names ----

static unsigned keptCount;

static void pathIn(char *path, const char *name) {
  snprintf(path, PATH_BYTES, "%s/%.*s", folder, NAME_BYTES, name);
}

// Keeps what a name stands for, if anything; returns its number among the kept, or 0.
static unsigned keep(const char *name) {
  char from[PATH_BYTES], to[PATH_BYTES];
  pathIn(from, name);
  pathIn(to, KEPT_FOLDER);
  syscall(SYS_mkdirat, AT_FDCWD, to, 0700);
  for (;;) {
    snprintf(to, sizeof to, "%s/" KEPT_FOLDER "/%u", folder, ++keptCount);
    if (rawLink(from, to) == 0) return keptCount;
    if (errno == ENOENT) return 0;
    if (errno != EEXIST) giveUp("keeping a name");
  }
}

// Written before the change: a life may end between the two, and then undoing it does nothing.
static void noteName(const char *change) {
  size_t length = strlen(change);
  if (syscall(SYS_write, namesFd, change, length) != (ssize_t)length) giveUp("noting a name");
}

static void namesDurable(void) {
  if (rawTruncate(namesFd, 0) != 0) giveUp("names");
  char path[PATH_BYTES];
  for (; keptCount > 0; keptCount--) {
    snprintf(path, sizeof path, "%s/" KEPT_FOLDER "/%u", folder, keptCount);
    rawUnlink(path);
  }
}

// ---- Faults ----

static void waitUs(uint32_t us) {
  if (us == 0) return;
  ADD(slowed, 1);
  struct timespec rest = {us / 1000000, (long)(us % 1000000) * 1000};
  while (syscall(SYS_nanosleep, &rest, &rest) != 0 && errno == EINTR) continue;
}

// 0, or -1 with errno set: whether bytes up to `end` may be written to a file of this size.
static int mayWrite(off_t size, off_t end) {
  if (READ_FIELD(fail) & FAIL_WRITE) {
    ADD(writesFailed, 1);
    errno = EIO;
    return -1;
  }
  int64_t left = READ_FIELD(bytesLeft);
  if (left < 0 || end <= size) return 0;
  if (end - size > left) {
    ADD(refusedForSpace, 1);
    errno = ENOSPC;
    return -1;
  }
  __atomic_store_n(&control->bytesLeft, left - (end - size), __ATOMIC_RELAXED);
  return 0;
}

static int mayRead(void) {
  ADD(reads, 1);
  if ((READ_FIELD(fail) & FAIL_READ) == 0) return 0;
  ADD(readsFailed, 1);
  errno = EIO;
  return -1;
}

// A vectored or plain write, at `at` or (negative) where the descriptor stands.
static ssize_t writeTo(struct file *file, int fd, const struct iovec *parts, int count, off_t at) {
  size_t length = 0;
  for (int index = 0; index < count; index++) length += parts[index].iov_len;
  waitUs(READ_FIELD(writeDelayUs));
  pthread_mutex_lock(&lock);
  ADD(writes, 1);
  off_t size = sizeOf(fd);
  int appends = (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0;
  off_t from = appends ? size : at < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : at;
  off_t end = from + (off_t)length;
  ssize_t done = mayWrite(size, end);
  if (done == 0) {
    beforeChange(file, fd, from < size ? from : size, end);
    done = at < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, at, 0);
  }
  if (done > 0) {
    file->pages->unsyncedWrites += 1;
    file->pages->unsyncedBytes += (uint64_t)done;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

static int truncateTo(struct file *file, int fd, off_t length) {
  pthread_mutex_lock(&lock);
  off_t size = sizeOf(fd);
  int result = mayWrite(size, length);
  if (result == 0) {
    beforeChange(file, fd, length < size ? length : size, length < size ? size : length);
    result = rawTruncate(fd, length);
    file->pages->unsyncedWrites += 1;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static int syncOf(int fd, long call) {
  struct file *file = fileOf(fd);
  int isFolder = fd >= 0 && fd < FDS_MAX && fileOfFd[fd] == FOLDER_FD;
  if (file == NULL && !isFolder) return (int)syscall(call, fd);
  waitUs(READ_FIELD(syncDelayUs));
  pthread_mutex_lock(&lock);
  ADD(syncs, 1);
  int result;
  if (READ_FIELD(fail) & FAIL_SYNC) {
    ADD(syncsFailed, 1);
    if (file != NULL) afterSync(file, fd, 1);
    errno = EIO;
    result = -1;
  } else {
    result = (int)syscall(call, fd);
    if (result == 0 && isFolder) namesDurable();
    if (result == 0 && file != NULL) afterSync(file, fd, 0);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

// ---- The C functions ----

static int openIn(int at, const char *path, int flags, int mode) {
  const char *name = nameInFolder(at, path);
  if (name == NULL) {
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    struct stat found;
    if (control != NULL && fd >= 0 && fd < FDS_MAX && (flags & (O_ACCMODE | O_CREAT)) == O_RDONLY &&
        syscall(SYS_fstat, fd, &found) == 0 && found.st_ino == folderStat.st_ino &&
        found.st_dev == folderStat.st_dev) {
      fileOfFd[fd] = FOLDER_FD;
    }
    return fd;
  }
  pthread_mutex_lock(&lock);
  int isNew = 0;
  if (flags & O_CREAT) {
    char full[PATH_BYTES], line[PATH_BYTES];
    pathIn(full, name);
    isNew = syscall(SYS_faccessat, AT_FDCWD, full, F_OK) != 0;
    if (isNew) {
      snprintf(line, sizeof line, "create %s - 0\n", name);
      noteName(line);
    }
  }
  int fd = (int)syscall(SYS_openat, at, path, flags & ~O_TRUNC, mode);
  if (fd >= 0) follow(fd, isNew);
  pthread_mutex_unlock(&lock);
  if (fd < 0 || (flags & O_TRUNC) == 0 || isNew) return fd;
  if (truncateTo(fileOf(fd), fd, 0) == 0) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

#define MODE_OF(flags)                                                                             \
  int mode = 0;                                                                                    \
  if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                                                         \
    va_list rest;                                                                                  \
    va_start(rest, flags);                                                                         \
    mode = va_arg(rest, int);                                                                      \
    va_end(rest);                                                                                  \
  }

EXPORT int open(const char *path, int flags, ...) {
  MODE_OF(flags)
  return openIn(AT_FDCWD, path, flags, mode);
}
EXPORT int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return openIn(AT_FDCWD, path, flags, mode);
}
EXPORT int openat(int at, const char *path, int flags, ...) {
  MODE_OF(flags)
  return openIn(at, path, flags, mode);
}
EXPORT int openat64(int at, const char *path, int flags, ...) {
  MODE_OF(flags)
  return openIn(at, path, flags, mode);
}
EXPORT int __open_2(const char *path, int flags) { return openIn(AT_FDCWD, path, flags, 0); }
EXPORT int __open64_2(const char *path, int flags) { return openIn(AT_FDCWD, path, flags, 0); }
EXPORT int creat(const char *path, mode_t mode) {
  return openIn(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, (int)mode);
}

EXPORT int close(int fd) {
  if (fd >= 0 && fd < FDS_MAX) fileOfFd[fd] = 0;
  return (int)syscall(SYS_close, fd);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t length) {
  struct file *file = fileOf(fd);
  if (file == NULL) return syscall(SYS_write, fd, bytes, length);
  struct iovec part = {(void *)(uintptr_t)bytes, length};
  return writeTo(file, fd, &part, 1, -1);
}
EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
  struct file *file = fileOf(fd);
  return file == NULL ? syscall(SYS_writev, fd, parts, count) : writeTo(file, fd, parts, count, -1);
}
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  struct file *file = fileOf(fd);
  if (file == NULL) return rawWrite(fd, bytes, length, at);
  struct iovec part = {(void *)(uintptr_t)bytes, length};
  return writeTo(file, fd, &part, 1, at);
}
EXPORT ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return pwrite64(fd, bytes, length, at);
}
EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  struct file *file = fileOf(fd);
  return file == NULL ? syscall(SYS_pwritev, fd, parts, count, at, 0)
                      : writeTo(file, fd, parts, count, at);
}
EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  return pwritev64(fd, parts, count, at);
}

EXPORT ssize_t read(int fd, void *bytes, size_t length) {
  if (fileOf(fd) != NULL && mayRead() != 0) return -1;
  return syscall(SYS_read, fd, bytes, length);
}
EXPORT ssize_t readv(int fd, const struct iovec *parts, int count) {
  if (fileOf(fd) != NULL && mayRead() != 0) return -1;
  return syscall(SYS_readv, fd, parts, count);
}
EXPORT ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  if (fileOf(fd) != NULL && mayRead() != 0) return -1;
  return rawRead(fd, bytes, length, at);
}
EXPORT ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
  return pread64(fd, bytes, length, at);
}
EXPORT ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t at) {
  if (fileOf(fd) != NULL && mayRead() != 0) return -1;
  return syscall(SYS_preadv, fd, parts, count, at, 0);
}
EXPORT ssize_t preadv(int fd, const struct iovec *parts, int count, off_t at) {
  return preadv64(fd, parts, count, at);
}

EXPORT int ftruncate64(int fd, off64_t length) {
  struct file *file = fileOf(fd);
  return file == NULL ? rawTruncate(fd, length) : truncateTo(file, fd, length);
}
EXPORT int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
EXPORT int truncate64(const char *path, off64_t length) {
  if (nameInFolder(AT_FDCWD, path) == NULL) return (int)syscall(SYS_truncate, path, length);
  int fd = openIn(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  int result = ftruncate64(fd, length), why = errno;
  close(fd);
  errno = why;
  return result;
}
EXPORT int truncate(const char *path, off_t length) { return truncate64(path, length); }
EXPORT int fallocate64(int fd, int mode, off64_t from, off64_t length) {
  if (fileOf(fd) == NULL) return (int)syscall(SYS_fallocate, fd, mode, from, length);
  errno = EOPNOTSUPP; // As many file systems; who asks writes zeros instead.
  return -1;
}
EXPORT int fallocate(int fd, int mode, off_t from, off_t length) {
  return fallocate64(fd, mode, from, length);
}
EXPORT int posix_fallocate64(int fd, off64_t from, off64_t length) {
  if (fileOf(fd) != NULL) return EOPNOTSUPP;
  return syscall(SYS_fallocate, fd, 0, from, length) == 0 ? 0 : errno;
}
EXPORT int posix_fallocate(int fd, off_t from, off_t length) {
  return posix_fallocate64(fd, from, length);
}

EXPORT int fsync(int fd) { return syncOf(fd, SYS_fsync); }
EXPORT int fdatasync(int fd) { return syncOf(fd, SYS_fdatasync); }

// Calls `perform` behind a note of the change, which names what must come back if it is undone.
static int changeName(const char *verb, const char *from, const char *to, int replaces,
                      long (*perform)(const char *, const char *), const char *a, const char *b) {
  char line[PATH_BYTES];
  pthread_mutex_lock(&lock);
  unsigned kept = replaces ? keep(to == NULL ? from : to) : 0;
  snprintf(line, sizeof line, "%s %s %s %u\n", verb, from, to == NULL ? "-" : to, kept);
  noteName(line);
  int result = (int)perform(a, b), why = errno;
  pthread_mutex_unlock(&lock);
  errno = why;
  return result;
}

static long performRename(const char *from, const char *to) { return rawRename(from, to); }
static long performLink(const char *from, const char *to) { return rawLink(from, to); }
static long performUnlink(const char *path, const char *none) {
  (void)none;
  return rawUnlink(path);
}

EXPORT int rename(const char *from, const char *to) {
  const char *oldName = nameInFolder(AT_FDCWD, from), *newName = nameInFolder(AT_FDCWD, to);
  if (oldName != NULL && newName != NULL) {
    return changeName("rename", oldName, newName, 1, performRename, from, to);
  }
  if (oldName != NULL || newName != NULL) ADD(unseen, 1);
  return rawRename(from, to);
}
EXPORT int link(const char *from, const char *to) {
  const char *newName = nameInFolder(AT_FDCWD, to);
  if (newName == NULL) return rawLink(from, to);
  return changeName("link", newName, NULL, 0, performLink, from, to);
}
EXPORT int unlink(const char *path) {
  const char *name = nameInFolder(AT_FDCWD, path);
  if (name == NULL) return rawUnlink(path);
  return changeName("unlink", name, NULL, 1, performUnlink, path, NULL);
}
EXPORT int remove(const char *path) {
  if (nameInFolder(AT_FDCWD, path) != NULL) return unlink(path);
  int result = rawUnlink(path);
  if (result == 0 || errno != EISDIR) return result;
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
EXPORT int unlinkat(int at, const char *path, int flags) {
  if (flags == 0 && nameInFolder(at, path) != NULL) {
    if (at == AT_FDCWD || path[0] == '/') return unlink(path);
    ADD(unseen, 1);
  }
  return (int)syscall(SYS_unlinkat, at, path, flags);
}

EXPORT void *mmap64(void *wanted, size_t length, int rights, int flags, int fd, off64_t at) {
  if ((rights & PROT_WRITE) && (flags & MAP_SHARED) && fileOf(fd) != NULL) ADD(unseen, 1);
  return (void *)syscall(SYS_mmap, wanted, length, rights, flags, fd, at);
}
EXPORT void *mmap(void *wanted, size_t length, int rights, int flags, int fd, off_t at) {
  return mmap64(wanted, length, rights, flags, fd, at);
}
EXPORT ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *toAt, size_t length,
                               unsigned flags) {
  if (fileOf(to) != NULL) ADD(unseen, 1);
  return syscall(SYS_copy_file_range, from, at, to, toAt, length, flags);
}
EXPORT ssize_t sendfile64(int to, int from, off64_t *at, size_t length) {
  if (fileOf(to) != NULL) ADD(unseen, 1);
  return syscall(SYS_sendfile, to, from, at, length);
}
EXPORT ssize_t sendfile(int to, int from, off_t *at, size_t length) {
  return sendfile64(to, from, at, length);
}
