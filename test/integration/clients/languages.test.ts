import { existsSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';
import { blockOf, GOCODE, runFile, says, TIMEOUT_MS } from './other-languages.ts';

/** An emulator and a target of their own, put into code of the docs in place of the ports that it names. */
async function emulated(): Promise<{ put: (code: string) => string }> {
  const emulator = await startEmulator({ clock: 'virtual', seed: 1, queues: [{ name: 'mail' }] });
  onTestFinished(() => emulator.close());
  const target = await serve();
  return {
    put: (code) =>
      code
        .replaceAll('127.0.0.1:8123', `127.0.0.1:${emulator.port}`)
        .replaceAll('http://127.0.0.1:8080', target.url),
  };
}

test("node:test's test of docs/testing.md passes", async () => {
  const target = await serve();
  const code = blockOf('testing', 'node:test', 'js')
    .replace("'pageturner/emulator'", `'${new URL('../../../emulator/index.ts', import.meta.url).href}'`)
    .replace('http://127.0.0.1:8080', target.url);
  const test = [process.execPath, '--test', '--test-reporter=tap', 'mail.test.mjs'];
  expect(await runFile('mail.test.mjs', code, test)).toMatch(/^# pass 1$/m);
});

describe('Python', () => {
  const pytest = ['python3', '-m', 'pytest', '-q', '-p', 'no:cacheprovider'];

  test(
    'the tests of docs/testing.md pass',
    async (context) => {
      if (!(await says(['python3', '-c', 'import pytest; print("yes")'], /yes/)))
        context.skip('not run: python3 has no pytest');
      const { put } = await emulated();
      const output = await runFile('test_reminders.py', put(blockOf('testing', 'Python', 'python')), pytest);
      expect(output).toMatch(/2 passed/);
    },
    TIMEOUT_MS,
  );

  test(
    'google-cloud-tasks works as docs/clients.md opens it, over gRPC and REST',
    async (context) => {
      if (!(await says(['python3', '-c', 'from google.cloud import tasks_v2; print("yes")'], /yes/)))
        context.skip('not run: python3 has no google-cloud-tasks (it is in no Debian package)');
      const { put } = await emulated();
      const calls = `
from google.api_core.exceptions import Conflict

parent = "projects/demo-pageturner/locations/us-central1"
for client in (over_grpc, over_rest):
    name = parent + "/queues/" + client.transport.kind
    client.create_queue(parent=parent, queue={"name": name})
    try:
        client.create_queue(parent=parent, queue={"name": name})
    except Conflict as error:
        print("refused", error.message.endswith("Queue already exists"))
    task = {"name": name + "/tasks/a", "http_request": {"url": "http://127.0.0.1:8080/", "body": b"\\xff"}}
    client.pause_queue(name=name)
    client.create_task(parent=name, task=task)
    view = tasks_v2.Task.View.FULL
    print(client.get_task(request={"name": task["name"], "response_view": view}).http_request.body)
    print([task.name == name + "/tasks/a" for task in client.list_tasks(parent=name)])
`;
      const output = await runFile('clients.py', put(blockOf('clients', 'Python', 'python') + calls), [
        'python3',
        'clients.py',
      ]);
      expect(output).toBe(`refused True\nb'\\xff'\n[True]\n`.repeat(2));
    },
    TIMEOUT_MS,
  );
});

test(
  "Go's test of docs/testing.md passes, with Google's client opened as docs/clients.md says",
  async (context) => {
    if (!(await says(['go', 'version'], /^go version/))) context.skip('not run: go is not on PATH');
    if (!existsSync(`${GOCODE}/src/cloud.google.com/go/cloudtasks`))
      context.skip("not run: Google's client for Go is not here (apt-get install golang-google-cloud-dev)");
    const { put } = await emulated();
    const code = `package reminders

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	timestamp "github.com/golang/protobuf/ptypes/timestamp"
	"google.golang.org/api/option"
	taskspb "google.golang.org/genproto/googleapis/cloud/tasks/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func remindTomorrow() {
	client, err := newClient(context.Background())
	if err != nil {
		panic(err)
	}
	defer client.Close()
	queue := "projects/demo-pageturner/locations/us-central1/queues/mail"
	request := &taskspb.CreateTaskRequest{Parent: queue, Task: &taskspb.Task{
		Name:         queue + "/tasks/a",
		ScheduleTime: &timestamp.Timestamp{Seconds: ${Date.UTC(2026, 0, 2) / 1000}},
		MessageType:  &taskspb.Task_HttpRequest{HttpRequest: &taskspb.HttpRequest{Url: "http://127.0.0.1:8080/"}},
	}}
	if _, err := client.CreateTask(context.Background(), request); err != nil {
		panic(err)
	}
	if _, err := client.CreateTask(context.Background(), request); status.Code(err) != codes.AlreadyExists {
		panic(err)
	}
}

${blockOf('clients', 'Go', 'go')}
${blockOf('testing', 'Go', 'go')}`;
    const output = await runFile('reminders_test.go', put(code), ['go', 'test', '-v', '-vet=off'], {
      GO111MODULE: 'off',
      GOPATH: GOCODE,
    });
    expect(output).toMatch(/--- PASS: TestReminder/);
  },
  TIMEOUT_MS,
);

test(
  "Java's test of docs/testing.md passes",
  async (context) => {
    if (!(await says(['java', '--list-modules'], /^jdk\.compiler@/m)))
      context.skip('not run: there is no JDK');
    const { put } = await emulated();
    // JUnit's part is played by hand: nothing here could fetch it.
    const code = `
import java.net.URI;
import java.net.http.*;

public class Reminders {
  @interface Test {}
  @interface AfterEach {}
  static void assertTrue(boolean isSo) { if (!isSo) throw new AssertionError(); }

  static void remindTomorrow() throws Exception {
    call("POST", "/v2/projects/demo-pageturner/locations/us-central1/queues/mail/tasks",
        "{\\"task\\": {\\"scheduleTime\\": \\"2026-01-02T00:00:00Z\\", \\"httpRequest\\": {\\"url\\": \\"http://127.0.0.1:8080/\\"}}}");
  }

  public static void main(String[] args) throws Exception {
    var reminders = new Reminders();
    reminders.remindsAfterADay();
    reminders.reset();
    System.out.println(call("GET", "/emulator/v1/deliveries", ""));
  }

  ${blockOf('testing', 'Java', 'java')}
}`;
    expect(JSON.parse(await runFile('Reminders.java', put(code), ['java', 'Reminders.java']))).toMatchObject({
      total: 0,
    });
  },
  TIMEOUT_MS,
);
