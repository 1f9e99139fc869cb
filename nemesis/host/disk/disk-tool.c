// The hand beside the library: sets what goes wrong with a node's disk, reads what it did, and takes
// from the files of a node that has ended what was not synced.
//
//   disk-tool prepare STATE             makes the state folder's control block
//   disk-tool set STATE NAME VALUE ...  fail (bits: 1 write, 2 read, 4 sync), bytesLeft, writeDelayUs, syncDelayUs
//   disk-tool show STATE                counters, a line each: name, value
//   disk-tool cut STATE FOLDER SEED lost|torn
//                                       loses power: of what was not synced nothing is left, or (torn)
//                                       each sector, and a first part of the changes of names, by the seed
//   disk-tool settle STATE FOLDER       all that is in the folder is durable: somebody put it there
//   disk-tool unsynced STATE FOLDER     what a power cut would find not synced; changes nothing
//   disk-tool shutdown FOLDER           stops the ext4 that is mounted there, as a power cut does
//   disk-tool damage FILE bit-flip|truncated|torn|misdirected SEED SKIP
//                                       changes bytes at rest, none of the first SKIP: a bit, everything
//                                       from some byte on, the end of what was last written, a sector
//
// Exit codes: 0; 1 where the system refused, with one line; 2 for other words than these.

#include "disk-state.h"
#include <dirent.h>
#include <sys/ioctl.h>

#define NAME_CHANGES_MAX 4096
// Source: fs/ext4/ext4.h; NOLOGFLUSH leaves the journal as it is on the disk.
#define EXT4_SHUTDOWN _IOR('X', 125, uint32_t)
#define EXT4_NOLOGFLUSH 2u

enum leaves { LOST, TORN, ALL }; // What a power cut leaves of what was not synced.

struct change {
  char verb[8], from[NAME_BYTES], to[NAME_BYTES];
  unsigned kept;
};

struct loss {
  uint64_t writes, bytes, sectorsLost, sectorsKept, namesUndone, namesKept;
};

static uint64_t random64;

// SplitMix64. Source: Steele, Lea and Flood, OOPSLA 2014.
static uint64_t nextRandom(void) {
  uint64_t mixed = random64 += 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

static void fail(const char *what) {
  fprintf(stderr, "disk-tool: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void usage(void) {
  fprintf(stderr, "disk-tool: want prepare, set, show, cut, settle, unsynced, shutdown or damage\n");
  exit(2);
}

static uint64_t numberOf(const char *text) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text == 0 || *end != 0 || errno != 0) usage();
  return value;
}

static struct control *controlOf(const char *state) {
  char path[PATH_BYTES];
  if (snprintf(path, sizeof path, "%s/control", state) >= (int)sizeof path) usage();
  struct control *control = mapState(path, sizeof *control);
  if (control == NULL) fail(path);
  return control;
}

static void prepare(const char *state) {
  if (mkdir(state, 0700) != 0 && errno != EEXIST) fail(state);
  struct control *control = controlOf(state);
  control->version = CONTROL_VERSION;
  control->bytesLeft = -1;
}

static void set(struct control *control, const char *name, const char *value) {
  if (strcmp(name, "fail") == 0) {
    __atomic_store_n(&control->fail, (uint32_t)numberOf(value), __ATOMIC_RELAXED);
  } else if (strcmp(name, "writeDelayUs") == 0) {
    __atomic_store_n(&control->writeDelayUs, (uint32_t)numberOf(value), __ATOMIC_RELAXED);
  } else if (strcmp(name, "syncDelayUs") == 0) {
    __atomic_store_n(&control->syncDelayUs, (uint32_t)numberOf(value), __ATOMIC_RELAXED);
  } else if (strcmp(name, "bytesLeft") == 0) {
    int64_t bytes = strcmp(value, "none") == 0 ? -1 : (int64_t)numberOf(value);
    __atomic_store_n(&control->bytesLeft, bytes, __ATOMIC_RELAXED);
  } else {
    usage();
  }
}

static void show(const struct control *control) {
#define SHOW(name) printf("%s %llu\n", #name, (unsigned long long)control->name);
  COUNTERS(SHOW)
}

// ---- The power cut ----

// One page as the cut leaves it. A page that a failed sync gave up is lost whatever the draw.
static void cutPage(int file, int images, uint32_t page, int torn, struct loss *loss, uint64_t *end) {
  uint8_t now[PAGE] = {0}, durable[PAGE] = {0};
  off_t at = (off_t)page * PAGE;
  if (rawRead(file, now, PAGE, at) < 0 || rawRead(images, durable, PAGE, at) < 0) fail("reading a page");
  for (int sector = 0; sector < PAGE; sector += SECTOR) {
    if (memcmp(now + sector, durable + sector, SECTOR) == 0) continue;
    if (torn && (nextRandom() & 1)) {
      memcpy(durable + sector, now + sector, SECTOR);
      loss->sectorsKept += 1;
      if ((uint64_t)(at + sector + SECTOR) > *end) *end = (uint64_t)(at + sector + SECTOR);
    } else {
      loss->sectorsLost += 1;
    }
  }
  if (rawWrite(file, durable, PAGE, at) != PAGE) fail("restoring a page");
}

static void cutFile(const char *state, const char *path, ino_t inode, enum leaves leaves,
                    struct loss *loss) {
  char name[PATH_BYTES];
  snprintf(name, sizeof name, "%s/pages-%lu", state, (unsigned long)inode);
  if (access(name, F_OK) != 0) return; // Nobody opened it.
  struct pages *pages = mapState(name, sizeof *pages);
  snprintf(name, sizeof name, "%s/images-%lu", state, (unsigned long)inode);
  int images = rawOpen(name, O_RDONLY, 0), file = rawOpen(path, O_RDWR, 0);
  struct stat found;
  if (pages == NULL || images < 0 || file < 0 || fstat(file, &found) != 0) fail(path);
  loss->writes += pages->unsyncedWrites;
  loss->bytes += pages->unsyncedBytes;
  uint64_t end = pages->durableBytes;
  for (uint32_t page = pages->first; leaves != ALL && page < pages->end; page++) {
    if (pages->state[page] == CLEAN) continue;
    cutPage(file, images, page, leaves == TORN && pages->state[page] != FORSAKEN, loss, &end);
  }
  // What grew and did not reach the disk is gone; what reached it in part may end anywhere before.
  if (end > (uint64_t)found.st_size && end > pages->durableBytes) end = (uint64_t)found.st_size;
  if (leaves != ALL) {
    if (rawTruncate(file, (off_t)end) != 0) fail(path);
    allDurable(pages, end);
  }
  rawClose(images);
  rawClose(file);
}

static void cutFolder(const char *state, const char *folder, int kept, enum leaves leaves,
                      struct loss *loss) {
  DIR *entries = opendir(folder);
  if (entries == NULL) {
    if (errno == ENOENT) return;
    fail(folder);
  }
  ino_t done[64];
  unsigned count = 0;
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    char path[PATH_BYTES];
    struct stat found;
    // The state of an inode means a file of ours only: its number may have gone to another's since.
    if (!kept && !isModelled(entry->d_name)) continue;
    snprintf(path, sizeof path, "%s/%.*s", folder, NAME_BYTES, entry->d_name);
    if (lstat(path, &found) != 0 || !S_ISREG(found.st_mode)) continue;
    int seen = 0;
    for (unsigned index = 0; index < count; index++) seen |= done[index] == found.st_ino;
    if (seen) continue;
    if (count < 64) done[count++] = found.st_ino;
    cutFile(state, path, found.st_ino, leaves, loss);
  }
  closedir(entries);
}

static void undo(const char *folder, const struct change *change) {
  char from[PATH_BYTES], to[PATH_BYTES], kept[PATH_BYTES];
  snprintf(from, sizeof from, "%s/%s", folder, change->from);
  snprintf(to, sizeof to, "%s/%s", folder, change->to);
  snprintf(kept, sizeof kept, "%s/" KEPT_FOLDER "/%u", folder, change->kept);
  if (strcmp(change->verb, "create") == 0 || strcmp(change->verb, "link") == 0) {
    if (rawUnlink(from) != 0 && errno != ENOENT) fail(from);
  } else if (strcmp(change->verb, "unlink") == 0) {
    if (change->kept != 0 && rawLink(kept, from) != 0 && errno != EEXIST) fail(from);
  } else if (strcmp(change->verb, "rename") == 0) {
    if (access(from, F_OK) == 0) return; // The process ended before it.
    if (rawRename(to, from) != 0) fail(to);
    if (change->kept != 0 && rawLink(kept, to) != 0) fail(to);
  } else {
    errno = EINVAL;
    fail("names");
  }
}

static void cutNames(const char *state, const char *folder, enum leaves leaves, struct loss *loss) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/names", state);
  FILE *names = fopen(path, "r");
  if (names == NULL) {
    if (errno == ENOENT) return;
    fail(path);
  }
  static struct change changes[NAME_CHANGES_MAX];
  unsigned count = 0;
  while (count < NAME_CHANGES_MAX &&
         fscanf(names, "%7s %63s %63s %u\n", changes[count].verb, changes[count].from,
                changes[count].to, &changes[count].kept) == 4) {
    count++;
  }
  fclose(names);
  unsigned kept = leaves == TORN ? (unsigned)(nextRandom() % (count + 1)) : 0;
  for (unsigned index = count; index > kept; index--) undo(folder, &changes[index - 1]);
  loss->namesUndone = count - kept;
  loss->namesKept = kept;
  if (truncate(path, 0) != 0) fail(path);
}

// Forgets the kept files, and every state of a file that is not in the folder.
static void settle(const char *state, const char *folder, int all) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/" KEPT_FOLDER, folder);
  DIR *entries = opendir(path);
  if (entries != NULL) {
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
      snprintf(path, sizeof path, "%s/" KEPT_FOLDER "/%s", folder, entry->d_name);
      if (entry->d_name[0] != '.' && rawUnlink(path) != 0) fail(path);
    }
    closedir(entries);
    snprintf(path, sizeof path, "%s/" KEPT_FOLDER, folder);
    rmdir(path);
  }
  if (!all) return;
  snprintf(path, sizeof path, "%s/names", state);
  if (truncate(path, 0) != 0 && errno != ENOENT) fail(path);
  entries = opendir(state);
  if (entries == NULL) {
    if (errno == ENOENT) return; // Nobody models this disk.
    fail(state);
  }
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    if (strchr(entry->d_name, '-') == NULL) continue;
    snprintf(path, sizeof path, "%s/%s", state, entry->d_name);
    if (rawUnlink(path) != 0) fail(path);
  }
  closedir(entries);
}

// What was put into a file system of the node's own must not go with the next power cut.
static void makeDurable(const char *folder) {
  char parent[PATH_BYTES];
  struct stat here, above;
  snprintf(parent, sizeof parent, "%s/..", folder);
  if (stat(folder, &here) != 0 || stat(parent, &above) != 0) fail(folder);
  if (here.st_dev == above.st_dev) return;
  int opened = rawOpen(folder, O_RDONLY | O_DIRECTORY, 0);
  if (opened < 0 || syncfs(opened) != 0) fail(folder);
  rawClose(opened);
}

static void cut(const char *state, const char *folder, enum leaves leaves) {
  struct loss loss = {0};
  char kept[PATH_BYTES];
  snprintf(kept, sizeof kept, "%s/" KEPT_FOLDER, folder);
  cutFolder(state, folder, 0, leaves, &loss);
  cutFolder(state, kept, 1, leaves, &loss);
  if (leaves != ALL) {
    cutNames(state, folder, leaves, &loss);
    settle(state, folder, 0);
    makeDurable(folder);
  }
#define SHOW_LOSS(name) printf("%s %llu\n", #name, (unsigned long long)loss.name);
  SHOW_LOSS(writes) SHOW_LOSS(bytes) SHOW_LOSS(sectorsLost) SHOW_LOSS(sectorsKept)
  SHOW_LOSS(namesUndone) SHOW_LOSS(namesKept)
}

static void shutDown(const char *folder) {
  uint32_t how = EXT4_NOLOGFLUSH;
  int opened = rawOpen(folder, O_RDONLY | O_DIRECTORY, 0);
  if (opened < 0 || ioctl(opened, EXT4_SHUTDOWN, &how) != 0) fail(folder);
  rawClose(opened);
}

// ---- Damage ----

// Up to the last byte that is not zero: space that was written ahead holds nothing to damage.
static uint64_t bytesUsed(int file, uint64_t size) {
  uint8_t bytes[PAGE];
  while (size > 0) {
    uint64_t from = (size - 1) / PAGE * PAGE;
    size_t length = (size_t)(size - from);
    if (rawRead(file, bytes, length, (off_t)from) != (ssize_t)length) fail("reading");
    while (length > 0 && bytes[length - 1] == 0) length--;
    if (length > 0) return from + length;
    size = from;
  }
  return 0;
}

static void writeAll(int file, const void *bytes, size_t length, uint64_t at) {
  if (rawWrite(file, bytes, length, (off_t)at) != (ssize_t)length) fail("writing");
}

// Prints where and how long; a length of 0 says that there was nothing to damage.
static void damage(const char *path, const char *how, uint64_t seed, uint64_t skip) {
  int file = rawOpen(path, O_RDWR, 0);
  struct stat found;
  if (file < 0 || fstat(file, &found) != 0) fail(path);
  random64 = seed;
  uint64_t used = bytesUsed(file, (uint64_t)found.st_size), at = 0, length = 0;
  if (used > skip) {
    at = skip + nextRandom() % (used - skip);
    length = 1;
    uint8_t sector[SECTOR] = {0};
    if (strcmp(how, "bit-flip") == 0) {
      if (rawRead(file, sector, 1, (off_t)at) != 1) fail(path);
      sector[0] ^= (uint8_t)(1u << (nextRandom() % 8));
      writeAll(file, sector, 1, at);
    } else if (strcmp(how, "truncated") == 0) {
      length = used - at;
      if (rawTruncate(file, (off_t)at) != 0) fail(path);
    } else if (strcmp(how, "torn") == 0) {
      uint64_t most = used - skip < SECTOR ? used - skip : SECTOR;
      length = 1 + nextRandom() % most;
      at = used - length;
      writeAll(file, sector, (size_t)length, at);
    } else if (strcmp(how, "misdirected") == 0) {
      uint64_t from = nextRandom() % used / SECTOR * SECTOR;
      at = at / SECTOR * SECTOR;
      ssize_t copied = rawRead(file, sector, SECTOR, (off_t)from);
      if (copied <= 0) fail(path);
      length = from == at ? 0 : (uint64_t)copied;
      writeAll(file, sector, (size_t)copied, at);
    } else {
      usage();
    }
    if (fsync(file) != 0) fail(path);
  }
  rawClose(file);
  printf("used %llu\nat %llu\nlength %llu\n", (unsigned long long)used, (unsigned long long)at,
         (unsigned long long)length);
}

int main(int count, char **words) {
  if (count < 3 || strlen(words[2]) >= FOLDER_BYTES) usage();
  if (count > 3 && strlen(words[3]) >= FOLDER_BYTES) usage();
  const char *verb = words[1], *state = words[2];
  if (strcmp(verb, "prepare") == 0 && count == 3) {
    prepare(state);
  } else if (strcmp(verb, "set") == 0 && count >= 5 && count % 2 == 1) {
    struct control *control = controlOf(state);
    for (int index = 3; index < count; index += 2) set(control, words[index], words[index + 1]);
  } else if (strcmp(verb, "show") == 0 && count == 3) {
    show(controlOf(state));
  } else if (strcmp(verb, "cut") == 0 && count == 6) {
    random64 = numberOf(words[4]);
    cut(state, words[3], strcmp(words[5], "torn") == 0 ? TORN : LOST);
  } else if (strcmp(verb, "unsynced") == 0 && count == 4) {
    cut(state, words[3], ALL);
  } else if (strcmp(verb, "shutdown") == 0 && count == 3) {
    shutDown(words[2]);
  } else if (strcmp(verb, "settle") == 0 && count == 4) {
    settle(state, words[3], 1);
    makeDurable(words[3]);
  } else if (strcmp(verb, "damage") == 0 && count == 6) {
    damage(words[2], words[3], numberOf(words[4]), numberOf(words[5]));
  } else {
    usage();
  }
  return 0;
}
