#!/bin/sh
# What a Debian or Ubuntu host needs to run nodes: Node, iptables and tc. The build itself is shipped by
# `ordeal run`, once for each build. Run as root; may be run again.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends iproute2 iptables nftables libfaketime \
  procps util-linux ca-certificates curl

new_enough() {
  command -v node >/dev/null &&
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
      process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
}

# Newer Debians have it; elsewhere it is a file from nodejs.org.
new_enough || apt-get install -y -qq --no-install-recommends nodejs npm || true
if ! new_enough; then
  version=${NODE_VERSION:-v22.12.0}
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) echo "provision: no Node for $(uname -m)" >&2 && exit 1 ;;
  esac
  curl -fsSL "https://nodejs.org/dist/$version/node-$version-linux-$arch.tar.gz" |
    tar -xz -C /usr/local --strip-components=1
fi
new_enough

# What faults are made of; a kernel without netem has the HTB delay line instead.
for module in sch_netem sch_htb xt_statistic xt_recent xt_TEE xt_CLASSIFY sch_tbf; do modprobe "$module" 2>/dev/null || true; done
