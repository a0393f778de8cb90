// An origin that speaks HTTP/2 over TLS, and no HTTP/1.1.
// usage: http2_origin.js CERTIFICATE, with its key.  Prints its port; ends with
// its standard input.
"use strict";
const fs = require("fs");
const http2 = require("http2");

const file = fs.readFileSync(process.argv[2]);
const server = http2.createSecureServer({ cert: file, key: file });
server.on("stream", (stream, headers) => {
	stream.respond({ ":status": 200 });
	stream.end(`you reached ${headers[":authority"]}\n`);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
