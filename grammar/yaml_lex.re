/* yaml_lex.re - the lexemes of YAML 1.2: see yaml_lex.h.
 * Contract for the end of input: sentinel NUL, which no rule matches but the
 * one for NUL itself; text_check() has made sure that there is none before.
 * Bytes from 0x80 are letters: text_check() has made sure that they are UTF-8. */
#include "grammar/yaml_lex.h"

/*!re2c
re2c:define:YYCTYPE = "unsigned char";
re2c:yyfill:enable = 0;
re2c:sentinel = 0;

blank  = [ \t];
break  = "\r"? "\n";
flow   = [,[\]{}];
name   = [^\x00 \t\r\n,[\]{}]*;
hex    = [0-9a-fA-F];

// characters of plain scalars, ':' and '#' apart
word      = [^\x00 \t\r\n:#];
flow_word = [^\x00 \t\r\n:#,[\]{}];
*/

enum yaml_lexeme yaml_lex(const unsigned char **cursor)
{
	const unsigned char *YYCURSOR = *cursor;
	const unsigned char *YYMARKER;
	enum yaml_lexeme lexeme;

	/*!re2c
	"\x00"                 { return LEX_END; }
	blank+                 { lexeme = LEX_BLANK; goto out; }
	break                  { lexeme = LEX_BREAK; goto out; }
	"#" [^\x00\r\n]*       { lexeme = LEX_COMMENT; goto out; }
	"-"                    { lexeme = LEX_DASH; goto out; }
	"?"                    { lexeme = LEX_QUESTION; goto out; }
	":"                    { lexeme = LEX_COLON; goto out; }
	","                    { lexeme = LEX_COMMA; goto out; }
	"["                    { lexeme = LEX_OPEN_BRACKET; goto out; }
	"]"                    { lexeme = LEX_CLOSE_BRACKET; goto out; }
	"{"                    { lexeme = LEX_OPEN_BRACE; goto out; }
	"}"                    { lexeme = LEX_CLOSE_BRACE; goto out; }
	"&" name               { lexeme = LEX_ANCHOR; goto out; }
	"*" name               { lexeme = LEX_ALIAS; goto out; }
	"!" name               { lexeme = LEX_TAG; goto out; }
	"|"                    { lexeme = LEX_LITERAL; goto out; }
	">"                    { lexeme = LEX_FOLDED; goto out; }
	"'"                    { lexeme = LEX_SINGLE; goto out; }
	["]                    { lexeme = LEX_DOUBLE; goto out; }
	"%"                    { lexeme = LEX_PERCENT; goto out; }
	[@`]                   { lexeme = LEX_RESERVED; goto out; }
	*                      { lexeme = LEX_PLAIN; goto out; }
	*/
out:
	*cursor = YYCURSOR;
	return lexeme;
}

enum yaml_marker yaml_lex_marker(const unsigned char *p)
{
	const unsigned char *YYCURSOR = p;
	const unsigned char *YYMARKER;

	/*!re2c
	"---" [\x00 \t\r\n]    { return MARKER_START; }
	"..." [\x00 \t\r\n]    { return MARKER_END; }
	*                      { return MARKER_NONE; }
	*/
}

bool yaml_plain_safe(unsigned char c, bool in_flow)
{
	const unsigned char *YYCURSOR = &c;

	/*!re2c
	[\x00 \t\r\n]          { return false; }
	flow                   { return !in_flow; }
	*                      { return true; }
	*/
}

/* A run of ':' belongs to the scalar when a word follows it; of a run before
 * white space only the last is the mark of a key. */
static const unsigned char *colons(const unsigned char *p)
{
	const unsigned char *q = p;

	while (*q == ' ' || *q == '\t')
		q++;
	if (q[0] != ':' || q[1] != ':')
		return p;
	while (q[0] == ':' && q[1] == ':')
		q++;
	return q;
}

const unsigned char *yaml_lex_plain(const unsigned char *p, bool in_flow)
{
	const unsigned char *YYCURSOR = p;
	const unsigned char *YYMARKER;

	if (in_flow)
		goto inside;
	/*!re2c
	(word | "#" | ":"+ (word | "#") |
	 blank+ (word | ":"+ (word | "#")))+
	                       { return colons(YYCURSOR); }
	*                      { return colons(p); }
	*/
inside:
	/*!re2c
	(flow_word | "#" | ":"+ (flow_word | "#") |
	 blank+ (flow_word | ":"+ (flow_word | "#")))+
	                       { return colons(YYCURSOR); }
	*                      { return colons(p); }
	*/
}

bool yaml_plain_continues(const unsigned char *p, bool in_flow)
{
	const unsigned char *YYCURSOR = p;
	const unsigned char *YYMARKER;

	if (in_flow)
		goto inside;
	/*!re2c
	word | ":" [^\x00 \t\r\n]               { return true; }
	*                                       { return false; }
	*/
inside:
	/*!re2c
	flow_word | ":" [^\x00 \t\r\n,[\]{}]   { return true; }
	*                                       { return false; }
	*/
}

enum yaml_piece yaml_lex_single(const unsigned char **cursor)
{
	const unsigned char *YYCURSOR = *cursor;
	enum yaml_piece piece;

	/*!re2c
	"\x00"                 { return PIECE_NUL; }
	[^\x00\r\n']+          { piece = PIECE_TEXT; goto out; }
	break                  { piece = PIECE_BREAK; goto out; }
	"''"                   { piece = PIECE_QUOTE; goto out; }
	"'"                    { piece = PIECE_END; goto out; }
	"\r"                   { piece = PIECE_TEXT; goto out; }
	*                      { piece = PIECE_TEXT; goto out; }
	*/
out:
	*cursor = YYCURSOR;
	return piece;
}

enum yaml_piece yaml_lex_double(const unsigned char **cursor)
{
	const unsigned char *YYCURSOR = *cursor;
	const unsigned char *YYMARKER;
	enum yaml_piece piece;

	/*!re2c
	"\x00"                           { return PIECE_NUL; }
	[^\x00\r\n"\\]+                  { piece = PIECE_TEXT; goto out; }
	break                            { piece = PIECE_BREAK; goto out; }
	["]                              { piece = PIECE_END; goto out; }
	"\\" [0abt\tnvfre "/\\N_LP]      { piece = PIECE_ESCAPE; goto out; }
	"\\x" hex{2}                     { piece = PIECE_CODE; goto out; }
	"\\u" hex{4}                     { piece = PIECE_CODE; goto out; }
	"\\U" hex{8}                     { piece = PIECE_CODE; goto out; }
	"\\" break                       { piece = PIECE_JOIN; goto out; }
	"\\"                             { piece = PIECE_BAD_ESCAPE; goto out; }
	*                                { piece = PIECE_TEXT; goto out; }
	*/
out:
	*cursor = YYCURSOR;
	return piece;
}
