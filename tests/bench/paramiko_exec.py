"""Times `true` over SSH by paramiko: paramiko_exec.py open|each COUNT PORT USER KEY KNOWN_HOSTS;
prints the milliseconds of each command."""
import sys, time

import paramiko

mode, count, port, user, key, known_hosts = sys.argv[1:]


def connect():
    client = paramiko.SSHClient()
    client.load_host_keys(known_hosts)
    client.connect("127.0.0.1", int(port), user, key_filename=key, allow_agent=False,
                   look_for_keys=False)
    return client


def true(client):
    _, out, _ = client.exec_command("true")
    if out.channel.recv_exit_status() != 0:
        sys.exit("it failed")


kept = connect() if mode == "open" else None
for _ in range(int(count)):
    start = time.perf_counter()
    if kept:
        true(kept)
    else:
        client = connect()
        true(client)
        client.close()
    print((time.perf_counter() - start) * 1000)
