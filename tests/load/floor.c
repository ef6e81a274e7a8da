/* The least that a broadcast costs: one write of the same bytes to each of N sockets. Prints microseconds of CPU per packet, for one and for
   four packets in a write. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { N = 1000, ROUNDS = 300 };

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void readers(struct sockaddr_in *to) {
    int poll = epoll_create1(0);
    for (int i = 0; i < N; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(s, (void *)to, sizeof *to)) exit(1);
        struct epoll_event e = {.events = EPOLLIN, .data.fd = s};
        epoll_ctl(poll, EPOLL_CTL_ADD, s, &e);
    }
    char bytes[65536];
    struct epoll_event ready[256];
    for (int n; (n = epoll_wait(poll, ready, 256, 5000)) > 0;)
        for (int i = 0; i < n; i++)
            if (read(ready[i].data.fd, bytes, sizeof bytes) <= 0) exit(0);
    exit(0);
}

int main(int argc, char **argv) {
    int size = argc > 1 ? atoi(argv[1]) : 110, one = 1, sockets[N];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, N) || getsockname(listener, (void *)&at, &len)) return 1;
    pid_t child = fork();
    if (!child) {
        pin(1);
        readers(&at);
    }
    pin(0);
    for (int i = 0; i < N; i++) {
        sockets[i] = accept(listener, 0, 0);
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    char *bytes = malloc((size_t)size * 4);
    memset(bytes, 'x', (size_t)size * 4);
    for (int packets = 1; packets <= 4; packets *= 4) {
        double start = cpu();
        for (int r = 0; r < ROUNDS / packets; r++)
            for (int i = 0; i < N; i++)
                if (write(sockets[i], bytes, (size_t)(size * packets)) != size * packets) return 1;
        printf("%d %.3f\n", packets, (cpu() - start) / ((double)(ROUNDS / packets) * N * packets));
    }
    kill(child, SIGTERM);
    return 0;
}
