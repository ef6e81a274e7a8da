/* The least that this machine lets a server do. `floor SIZE`: a broadcast, one write of SIZE bytes to each of 1,000 sockets, and of four
   times as many. `floor SIZE CONNECTIONS`: an echo, one read and one write of SIZE bytes. Prints the packets in a write and microseconds of
   CPU per packet. */
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

enum { N = 1000, ROUNDS = 300, ECHOES = 60000 };

static int n = N, size = 110;

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

static void readers(struct sockaddr_in *to, int answers) {
    int poll = epoll_create1(0), one = 1;
    static char packet[65536];
    for (int i = 0; i < n; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(s, (void *)to, sizeof *to)) exit(1);
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (answers && write(s, packet, (size_t)size) != size) exit(1);
        struct epoll_event e = {.events = EPOLLIN, .data.fd = s};
        epoll_ctl(poll, EPOLL_CTL_ADD, s, &e);
    }
    char bytes[65536];
    struct epoll_event ready[256];
    for (int k; (k = epoll_wait(poll, ready, 256, 5000)) > 0;)
        for (int i = 0; i < k; i++) {
            if (read(ready[i].data.fd, bytes, sizeof bytes) <= 0) exit(0);
            if (answers && write(ready[i].data.fd, packet, (size_t)size) != size) exit(0);
        }
    exit(0);
}

static void echo(int *sockets) {
    static char bytes[65536];
    struct epoll_event ready[256];
    int poll = epoll_create1(0), done = 0;
    for (int i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = sockets[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &e);
    }
    double start = cpu();
    while (done < ECHOES) {
        int k = epoll_wait(poll, ready, 256, 5000);
        if (k <= 0) exit(1);
        for (int i = 0; i < k; i++, done++)
            if (read(ready[i].data.fd, bytes, sizeof bytes) <= 0 || write(ready[i].data.fd, bytes, (size_t)size) != size) exit(1);
    }
    printf("1 %.3f\n", (cpu() - start) / done);
}

int main(int argc, char **argv) {
    if (argc > 1) size = atoi(argv[1]);
    if (argc > 2) n = atoi(argv[2]);
    int one = 1, sockets[N];
    if (n < 1 || n > N || size < 1 || size > 16384) return 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, N) || getsockname(listener, (void *)&at, &len)) return 1;
    pid_t child = fork();
    if (!child) {
        pin(1);
        readers(&at, argc > 2);
    }
    pin(0);
    for (int i = 0; i < n; i++) {
        sockets[i] = accept(listener, 0, 0);
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (argc > 2) {
        echo(sockets);
        kill(child, SIGTERM);
        return 0;
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
