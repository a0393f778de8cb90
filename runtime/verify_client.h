/* verify_client.h - "smokescreen --verify-client": what the proxy would think
 * of a client's certificates, asked on the command line. */
#ifndef RUNTIME_VERIFY_CLIENT_H
#define RUNTIME_VERIFY_CLIENT_H

#include <stdbool.h>

/* ARGV asks for it: --verify-client is among the words. */
bool verify_client_wanted(int argc, char **argv);

/* Do what ARGV says.  Returns the exit status: 0 with the role on stdout, else
 * 1 with the reason on stderr. */
int verify_client_main(int argc, char **argv);

#endif
