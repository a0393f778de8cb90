// One GET after the other by a client of node's, through a proxy spoken to over
// TLS.
// usage: fetch.js undici|agent PROXY CA CERTIFICATE URL...; CERTIFICATE may be
// empty.  Prints a line of JSON for each: status and body, or error.
"use strict";
const fs = require("fs");

const [kind, proxy, ca, certificate, ...urls] = process.argv.slice(2);
const trust = { ca: fs.readFileSync(ca) };
const identity = certificate === "" ? {} :
	{ cert: fs.readFileSync(certificate), key: fs.readFileSync(certificate) };

function undici() {
	const { ProxyAgent, request } = require("undici");
	const dispatcher = new ProxyAgent({ uri: proxy, requestTls: trust,
		proxyTls: { ...trust, ...identity } });
	return async (url) => {
		const answer = await request(url, { dispatcher });
		return { status: answer.statusCode,
			body: await answer.body.text() };
	};
}

// https-proxy-agent, and for http:// URLs its sibling http-proxy-agent
function agent() {
	const there = new URL(proxy);
	const options = { ...trust, ...identity, protocol: there.protocol,
		hostname: there.hostname, port: there.port };
	const ways = {
		"https:": [require("https"), require("https-proxy-agent")],
		"http:": [require("http"), require("http-proxy-agent")],
	};
	return (url) => new Promise((resolve, reject) => {
		const [{ get }, made] = ways[new URL(url).protocol];
		get(url, { agent: made(options), ...trust }, (answer) => {
			let body = "";
			answer.setEncoding("utf8");
			answer.on("data", (part) => { body += part; });
			answer.on("end", () => resolve(
				{ status: answer.statusCode, body }));
			answer.on("error", reject);
		}).on("error", reject);
	});
}

async function main() {
	const get = { undici, agent }[kind]();
	for (const url of urls) {
		const outcome = await get(url).catch(
			(error) => ({ error: `${error.name}: ${error.message}` }));
		console.log(JSON.stringify(outcome));
	}
	// undici waits on for connections that were refused
	process.exit(0);
}

main();
