// A websocket over TLS through the proxy, to a server of our own that echoes.
// usage: websocket.js PROXY CA CERTIFICATE SERVER; CERTIFICATE may be empty,
// SERVER is the server's certificate and key.
// Prints a line of JSON: what came back, or error.
"use strict";
const fs = require("fs");
const https = require("https");
const WebSocket = require("ws");
const proxyAgent = require("https-proxy-agent");

const [proxy, ca, certificate, server] = process.argv.slice(2);
const both = (file) => ({ cert: fs.readFileSync(file),
	key: fs.readFileSync(file) });
const trust = { ca: fs.readFileSync(ca) };
const there = new URL(proxy);
const agent = proxyAgent({ ...trust, ...(certificate && both(certificate)),
	protocol: there.protocol, hostname: there.hostname, port: there.port });

const origin = https.createServer(both(server));
const echo = new WebSocket.Server({ server: origin });
echo.on("connection", (socket) => socket.on("message",
	(data, isBinary) => socket.send(data, { binary: isBinary })));

// short, longer than a TLS record, and binary
const messages = ["hello", "x".repeat(100000), Buffer.from([0, 255, 10, 13])];

function end(outcome) {
	console.log(JSON.stringify(outcome));
	echo.close();
	origin.close();
}

origin.listen(0, "127.0.0.1", () => {
	const url = `wss://127.0.0.1:${origin.address().port}/`;
	const socket = new WebSocket(url, { agent, ...trust });
	const back = [];
	socket.on("open", () => messages.forEach((each) => socket.send(each)));
	socket.on("message", (data, isBinary) => {
		back.push(isBinary ? data.toString("hex") : data.toString());
		if (back.length === messages.length)
			socket.close();
	});
	socket.on("close", () => end({ back }));
	socket.on("error", (error) => {
		socket.removeAllListeners("close");
		end({ error: error.message });
	});
});
