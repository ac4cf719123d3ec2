#!/usr/bin/env bash
# Starts munge, slurmctld and slurmd on loopback in a scratch folder, runs a command, and ends them.
#   loopback.sh COMMAND…     Needs Debian's slurm-wlm and munge, and root (slurmd starts jobs as their owners).
set -euo pipefail
scratch=$(mktemp -d /tmp/slurm-loopback-XXXXXX)
chmod 755 "$scratch"
pids=()
end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap end EXIT
name=$(hostname -s)
mkdir -p "$scratch/state" "$scratch/spool" "$scratch/munge"
dd if=/dev/urandom of="$scratch/munge/key" bs=128 count=1 status=none
chmod 700 "$scratch/munge"
chmod 400 "$scratch/munge/key"
munged --foreground --force --socket="$scratch/munge.socket" --key-file="$scratch/munge/key" \
    --pid-file="$scratch/munge/pid" --seed-file="$scratch/munge/seed" --log-file="$scratch/munge/log" &
pids+=($!)
cat > "$scratch/slurm.conf" <<CONF
ClusterName=loopback
SlurmctldHost=$name(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmctldParameters=enable_configless
ReturnToService=2
MinJobAge=600
InactiveLimit=0
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$name Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf
for _ in $(seq 50); do [ -S "$scratch/munge.socket" ] && break; sleep 0.1; done
slurmctld -D -f "$scratch/slurm.conf" > "$scratch/slurmctld.log" 2>&1 &
pids+=($!)
slurmd -D -f "$scratch/slurm.conf" > "$scratch/slurmd.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do sinfo -h -o %t 2>/dev/null | grep -qE '^(idle|mix|alloc)' && break; sleep 0.2; done
sinfo -h -o %t | grep -qE '^(idle|mix|alloc)' || { cat "$scratch/slurmctld.log" "$scratch/slurmd.log"; exit 1; }
"$@"
