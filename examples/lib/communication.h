/* TCP client functions that the host provides to communication blocks. Each returns a negative number on failure. */
#ifndef COMMUNICATION_H
#define COMMUNICATION_H

#include <stddef.h>
#include <stdint.h>

int connect_to_tcp_server(uint8_t *ip, uint16_t port, int method);
int send_tcp_message(uint8_t *msg, size_t len, int id);
int receive_tcp_message(uint8_t *buf, size_t len, int id);
int close_tcp_connection(int id);

#endif
