import { existsSync } from 'node:fs';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';
import { blockOf, GOCODE, runFile, says, TIMEOUT_MS } from './other-languages.ts';

const AUDIENCE = 'https://worker.example/walk';
const EMAIL = 'tasks@demo-pageturner.iam.gserviceaccount.com';
const JAVA = '/usr/share/java';
const JARS = [
  'google-oauth-client',
  'google-http-client',
  'google-http-client-gson',
  'gson',
  'guava',
  'opencensus-api',
  'opencensus-contrib-http-util',
  'grpc-context',
];

/** What a language adds to its block of docs/tokens.md, so that it prints the account, or `refused`, for each of CASES, `TOKEN AUDIENCE` a line. */
interface Verifier {
  readonly heading: string;
  readonly language: string;
  readonly file: string;
  readonly program: (block: string) => string;
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Why it cannot be run on this machine, if it cannot. */
  readonly lacks: () => Promise<string | undefined>;
}

const inNode = (library: string): Verifier => ({
  heading: `Node, ${library}`,
  language: 'ts',
  file: 'verify.ts',
  program: (block) =>
    `${block}
for (const [token = '', audience = ''] of (process.env['CASES'] ?? '').split('\\n').map((line) => line.split(' ')))
  console.log(await verify(token, audience).then((claims) => claims?.email, () => 'refused'));
`,
  command: [process.execPath, 'verify.ts'],
  lacks: async () => undefined,
});

// Debian's packages are Debian's Python's, whatever other one comes first on PATH.
const inPython = (library: string, modules: string): Verifier => ({
  heading: `Python, ${library}`,
  language: 'python',
  file: 'verify.py',
  program: (block) =>
    `${block}
import os

for case in os.environ["CASES"].split("\\n"):
    try:
        print(verify(*case.split(" "))["email"])
    except Exception:
        print("refused")
`,
  command: ['/usr/bin/python3', 'verify.py'],
  lacks: async () =>
    (await says(['/usr/bin/python3', '-c', `import ${modules}; print("yes")`], /yes/))
      ? undefined
      : `/usr/bin/python3 has no ${modules}`,
});

const inGo: Verifier = {
  heading: 'Go, idtoken',
  language: 'go',
  file: 'verify.go',
  program: (block) => `package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"google.golang.org/api/idtoken"
	"google.golang.org/api/option"
)

${block}
func main() {
	for _, line := range strings.Split(os.Getenv("CASES"), "\\n") {
		token, audience, _ := strings.Cut(line, " ")
		payload, err := verify(context.Background(), token, audience)
		if err != nil {
			fmt.Println("refused")
		} else {
			fmt.Println(payload.Claims["email"])
		}
	}
}
`,
  command: ['go', 'run', 'verify.go'],
  env: { GO111MODULE: 'off', GOPATH: GOCODE },
  lacks: async () => {
    if (!(await says(['go', 'version'], /^go version/))) return 'go is not on PATH';
    if (existsSync(`${GOCODE}/src/google.golang.org/api/idtoken`)) return undefined;
    return "Google's API for Go is not here (apt-get install golang-google-api-dev)";
  },
};

const inJava: Verifier = {
  heading: 'Java, google-oauth-client',
  language: 'java',
  file: 'Verify.java',
  program: (block) => `
import com.google.api.client.auth.openidconnect.*;
import com.google.api.client.json.gson.GsonFactory;
import java.io.IOException;
import java.util.List;

public class Verify {
  public static void main(String[] args) throws Exception {
    for (var line : System.getenv("CASES").split("\\n")) {
      var parts = line.split(" ");
      try {
        System.out.println(verify(parts[0], parts[1]).getPayload().get("email"));
      } catch (IOException | SecurityException error) {
        System.out.println("refused");
      }
    }
  }

  ${block}
}`,
  command: ['java', '-cp', JARS.map((jar) => `${JAVA}/${jar}.jar`).join(':'), 'Verify.java'],
  lacks: async () => {
    if (!(await says(['java', '--list-modules'], /^jdk\.compiler@/m))) return 'there is no JDK';
    const missing = JARS.find((jar) => !existsSync(`${JAVA}/${jar}.jar`));
    return missing && `${missing}.jar is not here (apt-get install libgoogle-oauth-client-java)`;
  },
};

/** The OIDC token of a delivery. */
async function tokenOf(emulator: Emulator): Promise<string> {
  const worker = await serve();
  const oidcToken = { serviceAccountEmail: EMAIL, audience: AUDIENCE };
  const parent = 'projects/demo-pageturner/locations/us-central1/queues/mail';
  await fetch(`${emulator.url}/v2/${parent}/tasks`, {
    method: 'POST',
    body: JSON.stringify({ task: { httpRequest: { url: worker.url, oidcToken } } }),
  });
  await emulator.idle();
  return worker.requests[0]?.headers['Authorization']?.replace(/^Bearer /, '') ?? '';
}

async function emulated(): Promise<Emulator> {
  const emulator = await startEmulator({ queues: [{ name: 'mail' }] });
  onTestFinished(() => emulator.close());
  return emulator;
}

/** The same claims under a signature that is another one. */
function forged(token: string): string {
  const [header, claims, signature = ''] = token.split('.');
  return [
    header,
    claims,
    Buffer.from(Buffer.from(signature, 'base64url').toReversed()).toString('base64url'),
  ].join('.');
}

test.each<[string, Verifier]>(
  [
    inNode('google-auth-library'),
    inNode('jose'),
    inPython('google-auth', 'google.oauth2.id_token, google.auth.transport.requests'),
    inPython('PyJWT', 'jwt, cryptography'),
    inGo,
    inJava,
  ].map((verifier) => [verifier.heading, verifier]),
)(
  '%s takes the token of a delivery as docs/tokens.md says, and no other',
  async (_, verifier, context?: TestContext) => {
    const reason = await verifier.lacks();
    if (reason !== undefined) return context?.skip(`not run: ${reason}`);
    const emulator = await emulated();
    const code = verifier
      .program(blockOf('tokens', verifier.heading, verifier.language))
      .replaceAll('127.0.0.1:8123', `127.0.0.1:${emulator.port}`);
    const token = await tokenOf(emulator);
    const cases = [
      [token, AUDIENCE],
      [token, 'https://other.example'],
      [forged(token), AUDIENCE],
      [await tokenOf(await emulated()), AUDIENCE],
    ];
    const output = await runFile(verifier.file, code, verifier.command, {
      ...verifier.env,
      CASES: cases.map((each) => each.join(' ')).join('\n'),
    });
    expect(output.trim().split('\n')).toEqual([EMAIL, 'refused', 'refused', 'refused']);
  },
  TIMEOUT_MS,
);
