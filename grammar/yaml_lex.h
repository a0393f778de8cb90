/* yaml_lex.h - the regular part of YAML: what one lexeme is.
 * Pure functions over text that text_check() has passed and that ends in
 * "\n\0" (source.h).  Lines, indentation and nesting are yaml_scan.h's. */
#ifndef GRAMMAR_YAML_LEX_H
#define GRAMMAR_YAML_LEX_H

#include <stdbool.h>

enum yaml_lexeme {
	LEX_END = 0, /* the NUL behind the text */
	LEX_BLANK,   /* spaces and tabs */
	LEX_BREAK,   /* LF or CR LF */
	LEX_COMMENT, /* # to the end of the line */
	LEX_DASH,    /* one character each; whether it starts a plain scalar
		      * depends on the next: see yaml_plain_safe() */
	LEX_QUESTION,
	LEX_COLON,
	LEX_COMMA,
	LEX_OPEN_BRACKET,
	LEX_CLOSE_BRACKET,
	LEX_OPEN_BRACE,
	LEX_CLOSE_BRACE,
	LEX_ANCHOR, /* & and a name, which may be empty */
	LEX_ALIAS,  /* * and a name, which may be empty */
	LEX_TAG,    /* ! and what is attached to it */
	LEX_LITERAL,
	LEX_FOLDED,
	LEX_SINGLE, /* the opening quote alone */
	LEX_DOUBLE,
	LEX_PERCENT,
	LEX_RESERVED, /* @ or ` */
	LEX_PLAIN,    /* the first character of a plain scalar */
};

/* The lexeme at *CURSOR, which moves past it.  At LEX_END it does not move. */
enum yaml_lexeme yaml_lex(const unsigned char **cursor);

enum yaml_marker { MARKER_NONE = 0, MARKER_START, MARKER_END };

/* "---" or "..." at P, the first column of a line, and white space behind. */
enum yaml_marker yaml_lex_marker(const unsigned char *p);

/* C may follow - ? or : in a plain scalar; inside brackets when FLOW. */
bool yaml_plain_safe(unsigned char c, bool flow);

/* The rest of a plain scalar's line: from P, behind a character of the scalar,
 * to the end of its last word. */
const unsigned char *yaml_lex_plain(const unsigned char *p, bool flow);

/* A plain scalar may go on at P, the first character of a later line. */
bool yaml_plain_continues(const unsigned char *p, bool flow);

/* The pieces between the quotes of a quoted scalar. */
enum yaml_piece {
	PIECE_END = 0,    /* the closing quote */
	PIECE_TEXT,       /* stands for itself; may end in blanks */
	PIECE_BREAK,      /* LF or CR LF */
	PIECE_QUOTE,      /* '' : one quote */
	PIECE_ESCAPE,     /* \n and the like: one letter */
	PIECE_CODE,       /* \x41, \u0041, \U00000041 */
	PIECE_JOIN,       /* backslash and line break */
	PIECE_BAD_ESCAPE, /* backslash and anything else */
	PIECE_NUL,        /* the end of the text: no closing quote */
};
enum yaml_piece yaml_lex_single(const unsigned char **cursor);
enum yaml_piece yaml_lex_double(const unsigned char **cursor);

#endif
