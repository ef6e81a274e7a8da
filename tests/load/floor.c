/* The least that this machine lets a server do.
   `floor SIZE`: a broadcast, one write of SIZE bytes to each of 1,000 sockets, and of four times as many. Prints the packets in a write and
   microseconds of CPU per packet.
   `floor SIZE answer`, `floor SIZE deliver`: a server under the same load as the real ones. It reads nothing of what it is sent, and knows
   what to say: an open packet, that the namespace is joined, and then for each read one frame of SIZE bytes to its sender, or to all others. */
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

enum { N = 1000, MOST = 20000, ROUNDS = 300 };

static int size = 110;

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
    for (int k; (k = epoll_wait(poll, ready, 256, 5000)) > 0;)
        for (int i = 0; i < k; i++)
            if (read(ready[i].data.fd, bytes, sizeof bytes) <= 0) exit(0);
    exit(0);
}

/* What a socket was told so far. */
static unsigned char told[MOST];
static int sockets[MOST], n;

static void say(int s, const char *bytes, size_t len) {
    if (write(s, bytes, len) != (ssize_t)len) exit(1);
}

static void serve(int listener, int is_delivery) {
    static const char open[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x0b" "0{\"sid\":\"\"}";
    static const char joined[] = "\x81\x0c" "40{\"sid\":\"\"}";
    static char bytes[65536], frame[16384];
    static struct epoll_event ready[1024];
    int poll = epoll_create1(0), one = 1;
    int len = snprintf(frame, sizeof frame, is_delivery ? "42[\"broadcast-m" : "430[\"");
    memmove(frame + 2, frame, (size_t)len);
    memset(frame + 2 + len, 'x', sizeof frame - 2 - (size_t)len);
    frame[0] = (char)0x81;
    frame[1] = (char)(size - 2);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
    /* As a server has it that keeps deadlines. */
    for (int k; (k = epoll_wait(poll, ready, 1024, 25000)) > 0;)
        for (int i = 0; i < k; i++) {
            int s = ready[i].data.fd;
            if (s == listener) {
                s = accept(listener, 0, 0);
                if (s < 0 || s >= MOST || n == MOST) exit(1);
                setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                struct epoll_event e = {.events = EPOLLIN, .data.fd = s};
                epoll_ctl(poll, EPOLL_CTL_ADD, s, &e);
                sockets[n++] = s;
            } else if (read(s, bytes, sizeof bytes) <= 0)
                close(s);
            else if (told[s] < 2)
                told[s]++ ? say(s, joined, sizeof joined - 1) : say(s, open, sizeof open - 1);
            else if (!is_delivery)
                say(s, frame, (size_t)size);
            else
                for (int j = 0; j < n; j++)
                    if (sockets[j] != s) say(sockets[j], frame, (size_t)size);
        }
}

int main(int argc, char **argv) {
    if (argc > 1) size = atoi(argv[1]);
    if (size < 20 || size > 127) return 1;
    int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096) || getsockname(listener, (void *)&at, &len)) return 1;
    if (argc > 2) {
        printf("http://127.0.0.1:%d/\n", ntohs(at.sin_port));
        fflush(stdout);
        serve(listener, argv[2][0] == 'd');
        return 0;
    }
    pid_t child = fork();
    if (!child) {
        pin(1);
        readers(&at);
    }
    pin(0);
    for (n = 0; n < N; n++) {
        sockets[n] = accept(listener, 0, 0);
        setsockopt(sockets[n], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
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
