/* embed.c - a program around libsmokescreen, for test_library.py: its role
 * function tells all it is told and answers as the common name wants it, and
 * lines on standard input are calls from another thread.
 *
 *	embed [leave-signals] [log] [runs=N] -- OPTION...
 *	embed file=PATH
 */
#include <smokescreen.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names that the library has as well, for itself. */
int log_new(void);
int server_run(void);

int log_new(void)
{
	return 4711;
}

int server_run(void)
{
	return 4712;
}

static struct smokescreen *proxy;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void tell(const struct smokescreen_client *client)
{
	static const char *const names[] = {
		[SMOKESCREEN_CN] = "cn",
		[SMOKESCREEN_OU] = "ou",
		[SMOKESCREEN_O] = "o",
		[SMOKESCREEN_SAN_DNS] = "dns",
		[SMOKESCREEN_SAN_URI] = "uri",
		[SMOKESCREEN_SAN_EMAIL] = "email",
		[SMOKESCREEN_SAN_IP] = "ip",
		[SMOKESCREEN_SERIAL] = "serial",
	};
	size_t size;
	const unsigned char *der =
		smokescreen_client_certificate(client, &size);
	const char *text;
	size_t n;

	pthread_mutex_lock(&lock);
	printf("client %s\n", smokescreen_client_address(client));
	printf("port %u\n", smokescreen_client_port(client));
	printf("der ");
	for (size_t i = 0; der != NULL && i < size; i++)
		printf("%02x", der[i]);
	printf("\n");
	for (unsigned f = 0; f < sizeof(names) / sizeof(names[0]); f++)
		for (size_t i = 0; (text = smokescreen_client_text(
					    client, (enum smokescreen_field)f,
					    i, &n)) != NULL;
		     i++)
			printf("%s %zu %s\n", names[f],
			       n == strlen(text) ? n : 9999, text);
	printf("told\n");
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}

static enum smokescreen_answer role_of(void *context,
				       struct smokescreen_client *client)
{
	static const char many[256] = {0};
	size_t length;
	const char *cn =
		smokescreen_client_text(client, SMOKESCREEN_CN, 0, &length);

	if (context != &proxy)
		abort();
	tell(client);
	if (cn == NULL)
		return smokescreen_answer_role(
			client, smokescreen_client_address(client),
			strlen(smokescreen_client_address(client)));
	if (strcmp(cn, "refused") == 0)
		return smokescreen_answer_refuse(client, "by name");
	if (strcmp(cn, "nobody") == 0)
		return SMOKESCREEN_NO_ROLE;
	if (strcmp(cn, "empty") == 0)
		return smokescreen_answer_role(client, "", 0);
	if (strcmp(cn, "long") == 0)
		return smokescreen_answer_role(client, many, sizeof(many));
	if (strcmp(cn, "control") == 0)
		return smokescreen_answer_role(client, "a\nb", 3);
	if (strcmp(cn, "latin") == 0)
		return smokescreen_answer_role(client, "\xe4", 1);
	if (strcmp(cn, "silent") == 0)
		return SMOKESCREEN_ROLE;
	if (strcmp(cn, "strange") == 0)
		return (enum smokescreen_answer)77;
	if (strcmp(cn, "quits") == 0)
		smokescreen_quit(proxy);
	return smokescreen_answer_role(client, cn, length);
}

static void to_stderr(void *context, enum smokescreen_log kind,
		      const char *text, size_t length)
{
	if (context != &proxy)
		abort();
	fprintf(stderr, "%s%.*s\n", kind == SMOKESCREEN_LOG_LINE ? "" : "E ",
		(int)length, text);
}

static void run_another(void)
{
	struct smokescreen *another = smokescreen_new();
	char name[] = "embed", option[] = "--version";
	char *argv[] = {name, option, NULL};
	int status = smokescreen_run(another, 2, argv);

	printf("another %d\n", status);
	fflush(stdout);
	smokescreen_free(another);
}

static void on_usr1(int number)
{
	(void)number;
	smokescreen_drain(proxy);
}

/* By read(), for no lock of stdio's may be held when the program ends. */
static int read_line(char *line, size_t room)
{
	size_t n = 0;

	while (n + 1 < room && read(STDIN_FILENO, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
	return n != 0;
}

static void *listen_to_stdin(void *unused)
{
	char line[64];

	(void)unused;
	while (read_line(line, sizeof(line))) {
		if (strcmp(line, "drain\n") == 0)
			smokescreen_drain(proxy);
		else if (strcmp(line, "quit\n") == 0)
			smokescreen_quit(proxy);
		else if (strcmp(line, "reload\n") == 0)
			smokescreen_reload(proxy);
		else if (strcmp(line, "another\n") == 0)
			run_another();
		else
			abort();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction pipe;
	pthread_t thread;
	int status = 1, at = 1, runs = 1;

	proxy = smokescreen_new();
	if (proxy == NULL || log_new() != 4711 || server_run() != 4712)
		return 3;
	if (argc == 2 && strncmp(argv[1], "file=", 5) == 0)
		return smokescreen_run_file(proxy, argv[1] + 5);
	smokescreen_set_role(proxy, role_of, &proxy);
	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (strcmp(argv[at], "leave-signals") == 0)
			smokescreen_leave_signals(proxy);
		else if (strcmp(argv[at], "log") == 0)
			smokescreen_set_log(proxy, to_stderr, &proxy);
		else if (strncmp(argv[at], "runs=", 5) == 0)
			runs = atoi(argv[at] + 5);
		else
			return 3;
	}
	signal(SIGUSR1, on_usr1);
	if (pthread_create(&thread, NULL, listen_to_stdin, NULL) != 0)
		return 3;
	for (int i = 0; i < runs; i++) {
		status = smokescreen_run(proxy, argc - at, argv + at);
		sigaction(SIGPIPE, NULL, &pipe);
		printf("status %d%s\n", status,
		       pipe.sa_handler == SIG_DFL ? "" : ", and SIGPIPE");
		fflush(stdout);
	}
	pthread_detach(thread);
	smokescreen_free(proxy);
	return status;
}
