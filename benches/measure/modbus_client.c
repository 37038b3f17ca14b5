/* Modbus clients that read 125 registers each, again as soon as they have the answer or after a pause: fast enough to be no part of
 * what is measured. Arguments: port, clients, seconds, pause in microseconds. Writes the latency of each answer in microseconds, as a float. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REGISTERS 125
#define ANSWER (9 + 2 * REGISTERS)
#define MOST_CLIENTS 256
#define MOST_ANSWERS 20000000

static const uint8_t REQUEST[12] = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, REGISTERS};
static float *latencies;
static size_t answers;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int connected(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (connect(client, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("connect");
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return client;
}

static void ask(int client) {
    if (send(client, REQUEST, sizeof REQUEST, MSG_NOSIGNAL) != sizeof REQUEST) {
        fail("send");
    }
}

/* Receives more of an answer, of which `had` bytes were there; returns how many are there now. */
static size_t more(int client, size_t had) {
    uint8_t bytes[ANSWER];
    ssize_t count = recv(client, bytes, ANSWER - had, 0);
    if (count <= 0) {
        fail("recv");
    }
    if (had <= 7 && had + count > 7 && bytes[7 - had] != 3) {
        fprintf(stderr, "an exception\n");
        exit(1);
    }
    return had + count;
}

static void note(int64_t since) {
    if (answers < MOST_ANSWERS) {
        latencies[answers++] = (now() - since) / 1e3f;
    }
}

static void one(int client, int64_t end, int pause) {
    while (now() < end) {
        int64_t asked = now();
        ask(client);
        for (size_t had = 0; had < ANSWER;) {
            had = more(client, had);
        }
        note(asked);
        if (pause > 0) {
            usleep(pause);
        }
    }
}

static void many(int count, int port, int64_t end) {
    static struct { int client; size_t had; int64_t asked; } all[MOST_CLIENTS];
    int epoll = epoll_create1(0);
    for (int number = 0; number < count; number++) {
        all[number].client = connected(port);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[number].client, &event);
        all[number].asked = now();
        ask(all[number].client);
    }
    while (now() < end) {
        struct epoll_event events[MOST_CLIENTS];
        int ready = epoll_wait(epoll, events, MOST_CLIENTS, 1000);
        for (int number = 0; number < ready; number++) {
            __typeof__(&all[0]) it = &all[events[number].data.u32];
            it->had = more(it->client, it->had);
            if (it->had == ANSWER) {
                note(it->asked);
                it->had = 0;
                it->asked = now();
                ask(it->client);
            }
        }
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        return 2;
    }
    int port = atoi(arguments[1]), clients = atoi(arguments[2]), pause = atoi(arguments[4]);
    latencies = malloc(MOST_ANSWERS * sizeof *latencies);
    if (latencies == NULL || clients < 1 || clients > MOST_CLIENTS) {
        return 2;
    }
    int64_t end = now() + (int64_t)(atof(arguments[3]) * 1e9);
    if (clients == 1) {
        one(connected(port), end, pause);
    } else {
        many(clients, port, end);
    }
    fwrite(latencies, sizeof *latencies, answers, stdout);
    return 0;
}
