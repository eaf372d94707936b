/** The workspace of an account in the studio: its settings, and the conversation that is open. */
import type { AgentModel, ReasoningLevel, StudioWorkspaceEvent } from '../../events/killatamata/studio.ts'
import type { Aggregate } from '../decider.ts'

export interface StudioSettings {
  userDisplayName: string | null
  assistantDisplayName: string | null
  conversationStarterInstructions: string | null
  defaultAgentModel: AgentModel
  defaultReasoningLevel: ReasoningLevel
}

/** Of an account that has changed nothing. */
export const defaultSettings: StudioSettings = {
  ...{ userDisplayName: null, assistantDisplayName: null, conversationStarterInstructions: null },
  ...{ defaultAgentModel: 'gpt-5.4-mini', defaultReasoningLevel: 'default' },
}

export interface WorkspaceState {
  settings: StudioSettings
  activeThreadId: string | null
}

type Named = 'userDisplayName' | 'assistantDisplayName' | 'conversationStarterInstructions'
/** What is not given stays as it is. */
export type SettingsChange = Omit<StudioSettings, Named> & { [Name in Named]?: string | undefined }

export type WorkspaceCommand = { accountId: string; at: string } & (
  | { kind: 'changeSettings'; change: SettingsChange }
  | { kind: 'selectThread'; threadId: string }
)

export const studioWorkspace: Aggregate<WorkspaceState, WorkspaceCommand, StudioWorkspaceEvent> = {
  category: 'killatamata.studioWorkspace',
  initialState: { settings: defaultSettings, activeThreadId: null },

  evolve(state, event) {
    switch (event.type) {
      case 'killatamata.SettingsChanged.v1': {
        const { userDisplayName, assistantDisplayName, conversationStarterInstructions } = event.data
        const { defaultAgentModel, defaultReasoningLevel } = event.data
        const names = { userDisplayName, assistantDisplayName, conversationStarterInstructions }
        return { ...state, settings: { ...names, defaultAgentModel, defaultReasoningLevel } }
      }
      case 'killatamata.ThreadSelected.v1':
        return { ...state, activeThreadId: event.data.threadId }
      default:
        return event satisfies never
    }
  },

  decide(command, { settings, activeThreadId }) {
    const of = { accountId: command.accountId, occurredAt: command.at }
    switch (command.kind) {
      case 'changeSettings': {
        const { change } = command
        const wanted: StudioSettings = {
          userDisplayName: change.userDisplayName ?? settings.userDisplayName,
          assistantDisplayName: change.assistantDisplayName ?? settings.assistantDisplayName,
          conversationStarterInstructions:
            change.conversationStarterInstructions ?? settings.conversationStarterInstructions,
          defaultAgentModel: change.defaultAgentModel,
          defaultReasoningLevel: change.defaultReasoningLevel,
        }
        const names = Object.keys(wanted) as (keyof StudioSettings)[]
        if (names.every((name) => wanted[name] === settings[name])) return []
        return [{ type: 'killatamata.SettingsChanged.v1', data: { ...of, ...wanted } }]
      }
      case 'selectThread': {
        const { threadId } = command
        if (threadId === activeThreadId) return []
        return [{ type: 'killatamata.ThreadSelected.v1', data: { ...of, threadId } }]
      }
      default:
        return command satisfies never
    }
  },
}
