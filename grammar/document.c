/* document.c - parsing into a tree, and small questions asked of its nodes. */
#include "document.h"

#include <stdlib.h>
#include <string.h>

#include "document_build.h"

bool document_parse(struct document *document, struct source *source,
		    struct arena *arena, struct diag_list *list)
{
	struct build *build = arena_alloc(arena, sizeof(*build));
	struct yaml_receiver receiver = {.take = build_take, .state = build};
	uint32_t before = list->errors;

	*document = (struct document){.source = source};
	build->document = document;
	build->arena = arena;
	build->list = list;
	yaml_parse(source, list, &receiver);
	free(build->stack);
	/* After an error the tree may be anything but whole. */
	if (document->root == NULL || list->errors != before)
		document->root = arena_alloc(arena, sizeof(struct node));
	return list->errors == before;
}

struct span node_span(const struct document *document, const struct node *node)
{
	return (struct span){.source = document->source,
			     .start = node->start,
			     .end = node->end};
}

bool node_equals(const struct node *node, const char *text)
{
	return node->kind == NODE_SCALAR && node->count == strlen(text) &&
	       memcmp(node->text, text, node->count) == 0;
}

bool node_is_null(const struct node *node)
{
	if (node->kind != NODE_SCALAR)
		return node->kind == NODE_NULL;
	return node->style == SCALAR_PLAIN &&
	       (node_equals(node, "~") || node_equals(node, "null") ||
		node_equals(node, "Null") || node_equals(node, "NULL"));
}
