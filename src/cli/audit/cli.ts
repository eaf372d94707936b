/** What the auditors' context shows on the command line. */
import type { ContextCli } from '../context-cli.ts'

export const auditCli: ContextCli = {
  admin: (tools) => ({
    'create-auditor-key': {
      summary: 'make a key that reads the log through the API, and print it, once',
      load: async () => (await import('./auditors.ts')).createAuditorKeyCommand(await tools()),
    },
    'list-auditor-keys': {
      summary: 'auditors’ keys, revoked ones too',
      load: async () => (await import('./auditors.ts')).listAuditorKeysCommand(await tools()),
    },
    'revoke-auditor-key': {
      summary: 'stop an auditor’s key from working, for good',
      load: async () => (await import('./auditors.ts')).revokeAuditorKeyCommand(await tools()),
    },
  }),
  examples: {
    admin: [
      'opslog admin create-auditor-key --operator acme --name "Grace of the auditors"',
      'opslog admin create-auditor-key --account acme --name "The auditors of an account of rungate"',
    ],
  },
}
