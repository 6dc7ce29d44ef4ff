/* The kernel's own limit: what it costs to move these bytes in these round trips, when the program in
 * between does next to nothing. Says by heart what it was told to say, like the Parrot of limit.py.
 *
 *     limit FILE PORT
 *
 * FILE holds the greeting and then the replies, each as "COMMAND-LENGTH REPLY-LENGTH\n" and as many
 * octets of both (of the greeting the command is empty). One thread, epoll, clear text. It checks
 * nothing, and gives up (exit code 1) at the first thing that it has not been told.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MOST_REPLIES = 64,
    MOST_EVENTS = 64,
    INPUT = 1024,              /* of commands: fifty of them take 400 octets */
    OUTPUT = 2 * 1024 * 1024,  /* of replies to what one read may bring */
};

struct text {
    char *data;
    size_t size;
};

struct reply {
    struct text command, answer;
};

struct client {
    int fd;
    int closing;         /* has said QUIT */
    size_t held;         /* octets of a command that is not whole yet */
    char input[INPUT];
    struct text waiting; /* what the kernel would not take at once */
    size_t sent;         /* of that */
};

static struct reply replies[MOST_REPLIES];
static int known;
static char output[OUTPUT];
static int poller;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void must(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "limit: %s\n", what);
        exit(1);
    }
}

static struct text text_of(FILE *file, size_t size) {
    struct text text = {malloc(size + 1), size};
    must(text.data != NULL, "no memory");
    must(fread(text.data, 1, size, file) == size, "the file of replies is cut short");
    return text;
}

static void learn(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t command, answer;
    if (!file)
        fail(path);
    while (fscanf(file, "%zu %zu", &command, &answer) == 2) {
        must(known < MOST_REPLIES, "too many replies");
        must(fgetc(file) == '\n', "no line end behind the lengths");
        replies[known].command = text_of(file, command);
        replies[known++].answer = text_of(file, answer);
    }
    must(known > 0 && replies[0].command.size == 0, "no greeting");
    fclose(file);
}

static const struct text *answer_to(const char *command, size_t size) {
    for (int n = 1; n < known; n++)
        if (replies[n].command.size == size && !memcmp(replies[n].command.data, command, size))
            return &replies[n].answer;
    must(0, "a command that it has not been told");
    return NULL;
}

static void wait_for(struct client *client, unsigned events, int how) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(poller, how, client->fd, &event))
        fail("epoll_ctl");
}

static void leave(struct client *client) {
    close(client->fd);
    free(client->waiting.data);
    free(client);
}

/* Send, and keep what the kernel does not take; nothing is read until it has taken that. */
static void say(struct client *client, const char *data, size_t size) {
    ssize_t sent = send(client->fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        leave(client);
        return;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == size) {
        if (client->closing)
            leave(client);
        return;
    }
    client->waiting = (struct text){malloc(size - done), size - done};
    must(client->waiting.data != NULL, "no memory");
    memcpy(client->waiting.data, data + done, size - done);
    client->sent = 0;
    wait_for(client, EPOLLOUT, EPOLL_CTL_MOD);
}

static void go_on(struct client *client) {
    struct text *waiting = &client->waiting;
    ssize_t sent = send(client->fd, waiting->data + client->sent, waiting->size - client->sent,
                        MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            leave(client);
        return;
    }
    client->sent += (size_t)sent;
    if (client->sent < waiting->size)
        return;
    free(waiting->data);
    *waiting = (struct text){NULL, 0};
    if (client->closing)
        leave(client);
    else
        wait_for(client, EPOLLIN, EPOLL_CTL_MOD);
}

/* Answer all commands that have come, in one write. */
static void hear(struct client *client) {
    ssize_t got = recv(client->fd, client->input + client->held, INPUT - client->held, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            leave(client);
        return;
    }
    size_t end = client->held + (size_t)got, start = 0, size = 0;
    char *line_end;
    while ((line_end = memmem(client->input + start, end - start, "\r\n", 2))) {
        const char *command = client->input + start;
        size_t length = (size_t)(line_end - command);
        const struct text *answer = answer_to(command, length);
        must(size + answer->size <= OUTPUT, "more is asked for than fits into one write");
        memcpy(output + size, answer->data, answer->size);
        size += answer->size;
        client->closing = length == 4 && !memcmp(command, "QUIT", 4);
        start += length + 2;
    }
    client->held = end - start;
    must(client->held < INPUT, "a line that does not end");
    memmove(client->input, client->input + start, client->held);
    if (size)
        say(client, output, size);
}

static void greet(int listener) {
    int yes = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct client *client = calloc(1, sizeof *client);
    must(client != NULL, "no memory");
    client->fd = fd;
    wait_for(client, EPOLLIN, EPOLL_CTL_ADD);
    say(client, replies[0].answer.data, replies[0].answer.size);
}

int main(int count, char **arguments) {
    must(count == 3, "limit FILE PORT");
    learn(arguments[1]);
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((unsigned short)atoi(arguments[2])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
        fail("cannot listen");
    if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0)
        fail("epoll_create1");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event))
        fail("epoll_ctl");
    for (;;) {
        struct epoll_event events[MOST_EVENTS];
        int ready = epoll_wait(poller, events, MOST_EVENTS, -1);
        if (ready < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int n = 0; n < ready; n++) {
            struct client *client = events[n].data.ptr;
            if (!client)
                greet(listener);
            else if (client->waiting.data)
                go_on(client);
            else
                hear(client);
        }
    }
}
