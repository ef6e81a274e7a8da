#!/usr/bin/env bash
# Instructions per message of one candidate: ./instructions.sh W1 sansocket [UNITS]; needs valgrind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cargo build --quiet --release
# Else `rep movsb` would count as one instruction a byte.
export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x40000000:glibc.cpu.x86_non_temporal_threshold=0x40000000
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/sansocket-peers "$1" "$2" "$3" 2>&1 | awk '/Collected/ { print $4 }'
}
few=$(count "$1" "$2" 2)
many=$(count "$1" "$2" 12)
echo "$1 $2: $(((many - few) / 10 / ${3:-1})) instructions per message"
