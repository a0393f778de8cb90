/* fuzz_yaml.c - any bytes through the YAML front end: characters, scanner,
 * grammar, tree, events, messages.  Whatever comes out must be consistent. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "grammar/document.h"
#include "grammar/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_SIZE (1u << 16)

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* NODE lies in its source and its children lie in it, but for those that came
 * from elsewhere.  LEFT bounds the walk: aliases multiply. */
static void check_node(const struct document *document, const struct node *node,
		       unsigned depth, uint32_t *left)
{
	require(node->start <= node->end);
	require(node->end <= document->source->length);
	require(depth <= DOCUMENT_MAX_DEPTH);
	if (*left == 0)
		return;
	--*left;
	switch ((enum node_kind)node->kind) {
	case NODE_NULL:
		require(node->count == 0);
		break;
	case NODE_SCALAR:
		for (uint32_t i = 0; i < node->count; i++)
			*left -= *left > 0 && node->text[i] == '\0';
		break;
	case NODE_SEQUENCE:
		for (uint32_t i = 0; i < node->count; i++) {
			check_node(document, node->items[i], depth + 1, left);
			require(node->aliased ||
				(node->items[i]->start >= node->start &&
				 node->items[i]->end <= node->end));
		}
		break;
	case NODE_MAPPING:
		for (uint32_t i = 0; i < node->count; i++) {
			check_node(document, node->pairs[i].key, depth + 1,
				   left);
			check_node(document, node->pairs[i].value, depth + 1,
				   left);
			require(node->aliased || node->pairs[i].merged ||
				node->pairs[i].key->start >= node->start);
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;
	struct arena *arena = arena_new();
	struct diag_list list;
	struct diag_list again;
	struct source source;
	struct document document;
	uint32_t left = 100000;

	if (sink == NULL)
		sink = fopen("/dev/null", "w");
	if (size > MAX_SIZE)
		size = MAX_SIZE;
	diag_init(&list, arena);
	source_from_bytes(&source, arena, "fuzz.yaml", data, (uint32_t)size);

	bool ok = document_parse(&document, &source, arena, &list);

	require(ok == (list.errors == 0));
	require(document.root != NULL);
	check_node(&document, document.root, 0, &left);
	for (uint32_t i = 0; i < list.count; i++) {
		require(list.items[i]->at.start <= list.items[i]->at.end);
		require(list.items[i]->at.end <= source.length);
		require(list.items[i]->hint != NULL);
	}
	diag_print(&list, sink, true);

	/* The listing stumbles over nothing that the tree was made of. */
	diag_init(&again, arena);
	require(document_events(&source, &again, sink) || !ok);
	arena_free(arena);
	return 0;
}
