/** What a step or a trigger does, in a sentence made from it. */
import type { Json, Kind, Mapping, Step, StepList, Trigger } from '../types'
import { isMapping } from '../text/model'
import { conditionWords, cut, pathWords } from './conditions'

/** Names of services that are not their connector's word with a capital. */
const SERVICES: Record<string, string> = {
  http: 'HTTP', graphql: 'GraphQL', github: 'GitHub', gitlab: 'GitLab', hubspot: 'HubSpot', mcp: 'MCP', openai: 'OpenAI',
  pagerduty: 'PagerDuty', postgres: 'PostgreSQL', rss: 'RSS', s3: 'S3', sendgrid: 'SendGrid', whatsapp: 'WhatsApp',
  google_sheets: 'Google Sheets', google_calendar: 'Google Calendar', google_drive: 'Google Drive', microsoft_teams: 'Microsoft Teams',
}
export const KIND_WORDS: Record<Kind | 'unknown', string> = {
  filter: 'Continue if', transform: 'Prepare values', template: 'Make a text', action: 'Call an action', switch: 'Choose a branch',
  for_each: 'For each item', repeat: 'Repeat until', parallel: 'Do at once', wait: 'Wait', wait_for: 'Wait for an answer',
  call: 'Run another workflow', respond: 'Answer the caller', stop: 'Stop here', fail: 'Fail', steps: 'Group', unknown: 'A step without a kind',
}
/** Of the page's sprite. */
export const KIND_ICONS: Record<Kind | 'unknown', string> = {
  filter: 'funnel', transform: 'sheets', template: 'book', action: 'runs', switch: 'turn', for_each: 'turn', repeat: 'turn',
  parallel: 'sheets', wait: 'clock', wait_for: 'hand', call: 'home', respond: 'out', stop: 'tick', fail: 'cross', steps: 'sheets', unknown: 'dash',
}
/** Inputs that say where something goes, the first that is there. */
const WHERE = ['channel', 'to', 'url', 'sheet', 'spreadsheet', 'table', 'board', 'project', 'repository', 'path', 'key', 'query']

export function serviceName(connector: string): string {
  return SERVICES[connector] ?? capital(connector.replaceAll('_', ' '))
}

/** `slack.post_message` → "Slack: post message". */
export function actionName(action: string): string {
  const dot = action.indexOf('.')
  if (dot < 0) return action
  return `${serviceName(action.slice(0, dot))}: ${action.slice(dot + 1).replaceAll('_', ' ')}`
}

/** The sentence made from what the step does; its own `name` is not looked at. */
export function sentence(step: Step): string {
  const value = step.value[step.kind]
  const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  const id = step.id?.replaceAll('_', ' ')
  switch (step.kind) {
    case 'filter': return text ? `Continue if ${conditionWords(text)}` : 'Continue if …'
    case 'transform': return id ? `Prepare ${id}` : text ? `Take ${pathWords(text)}` : 'Prepare values'
    case 'template': return id ? `Write ${id}` : 'Make a text'
    case 'action': return text ? `${actionName(text)}${where(step.value['with'])}` : 'Call an action'
    case 'switch': return 'Choose a branch'
    case 'for_each': return text ? `For each of ${pathWords(text)}` : 'For each item'
    case 'repeat': return isMapping(value) && value['until'] ? `Repeat until ${conditionWords(String(value['until']))}` : 'Repeat'
    case 'parallel': return isMapping(value) ? `At once: ${cut(Object.keys(value).join(', '))}` : 'Do at once'
    case 'wait': return text ? `Wait ${text}` : isMapping(value) && value['until'] ? `Wait until ${cut(bare(String(value['until'])))}` : 'Wait'
    case 'wait_for': return isMapping(value) && 'approval' in value ? 'Wait for an approval' : 'Wait for a callback'
    case 'call': return text ? `Run ${text}` : 'Run another workflow'
    case 'respond': return isMapping(value) && value['status'] ? `Answer with ${String(value['status'])}` : 'Answer the caller'
    case 'stop': return text ? `Stop: ${cut(bare(text))}` : 'Stop here'
    case 'fail': return text ? `Fail: ${cut(bare(text))}` : 'Fail'
    case 'steps': return step.value['if'] ? `If ${conditionWords(String(step.value['if']))}` : id ? `Group ${id}` : 'Group'
    case 'unknown': return 'A step without a kind'
  }
}

/** What a list, a label and a person call the step: its own name, or the sentence. */
export function title(step: Step): string { return step.name ? cut(step.name) : sentence(step) }

/** "only if …", of a step that may be skipped; '' else. */
export function proviso(step: Step): string {
  const given = step.value['if']
  return given === undefined || step.kind === 'steps' ? '' : `only if ${conditionWords(String(given))}`
}

/** What stands above a list inside of a step. */
export function listLabel(list: StepList): string {
  switch (list.role) {
    case 'case': return list.label === null ? 'Otherwise' : `If ${conditionWords(list.label)}`
    case 'branch': return list.label ?? ''
    case 'on_error': return 'If it fails'
    default: return ''
  }
}

export function triggerSentence(trigger: Trigger): string {
  const value = isMapping(trigger.value) ? trigger.value : {}
  switch (trigger.kind) {
    case 'webhook': {
      const verify = value['verify']
      const provider = typeof verify === 'string' && verify !== 'none' ? verify : isMapping(verify) ? verify['provider'] : null
      const events = Array.isArray(value['events']) ? cut(value['events'].join(', '), 40) : ''
      if (typeof provider === 'string') return `${serviceName(provider)}${events ? `: ${events}` : ' event'}`
      return events ? `Webhook: ${events}` : 'A request to its address'
    }
    case 'schedule': return value['every'] ? `Every ${String(value['every'])}` : value['cron'] ? `At ${String(value['cron'])}` : 'On a schedule'
    case 'poll': return value['action'] ? `New from ${actionName(String(value['action']))}` : 'Look for new items'
    case 'manual': return value['public'] === true ? 'A form for anyone' : 'Started by hand'
    case 'hookline': return Array.isArray(value['on']) ? `When ${cut(value['on'].join(', ').replaceAll('_', ' '))}` : 'When something happens here'
    default: return trigger.kind
  }
}

export function capital(text: string): string { return text.charAt(0).toUpperCase() + text.slice(1) }

function where(inputs: Json | undefined): string {
  if (!isMapping(inputs)) return ''
  for (const name of WHERE) {
    const value = (inputs as Mapping)[name]
    if (typeof value === 'string' && value && !value.includes('{%')) return ` → ${cut(bare(value), 40)}`
  }
  return ''
}

/** A template with its `{{ … }}` as names. */
function bare(text: string): string {
  return text.replace(/\{\{-?\s*([^}|]+?)\s*(\|[^}]*)?-?\}\}/g, (_all, inside: string) => /^[\w.$[\]'"]+$/.test(inside) ? `(${pathWords(inside)})` : '(…)')
}
