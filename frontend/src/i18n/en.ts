/** All words of the card, in English. Other languages have the same keys. */
export const en = {
  card_name: "Realtime Voice",
  card_description: "Talk with your home here, or follow and control the conversation of another satellite.",

  status_idle: "Ready",
  status_connecting: "Connecting …",
  status_listening: "Listening",
  status_thinking: "Thinking …",
  status_speaking: "Speaking",
  status_reconnecting: "Reconnecting …",
  status_offline: "Offline",
  status_muted: "Muted",
  status_loading: "Loading …",

  hint_start: "Tap to talk",
  hint_cancel: "Tap to cancel",
  hint_stop: "Tap to end",
  hint_stop_elsewhere: "In use on another page. Tap to end",
  hint_elsewhere: "Open on another page. Tap to use it here",
  hint_offline: "This satellite is not connected",
  hint_lost: "The connection was lost and is being made again",
  hint_watch_only: "You may watch, but not control it",

  button_start: "Start talking with {name}",
  button_stop: "End the conversation with {name}",
  mute: "Mute",
  interrupt: "Interrupt",
  use_here: "Use here",
  dismiss: "Dismiss",
  volume: "Volume",
  send: "Send",
  message: "Message",
  message_placeholder: "Write to the agent",

  you: "You",
  agent: "Agent",
  said: "{who}: {text}",
  interrupted: "interrupted",
  transcript: "Conversation",
  transcript_empty: "What you and the agent say appears here.",
  level_you: "You",
  level_agent: "Agent",

  tool_running: "running",
  tool_ok: "done",
  tool_failed: "failed",

  microphone_denied:
    "This page may not use the microphone. Allow it in the browser's settings for this address, then tap again.",
  microphone_missing: "This device has no microphone that the browser can use.",
  microphone_insecure:
    "Browsers lend the microphone only to secure pages. Open Home Assistant by https, in the Companion app by https, or on the machine itself by localhost.",
  microphone_lost: "The microphone is gone: it was unplugged, or another program took it.",
  microphone_silent:
    "The microphone is open, but the browser gets nothing from it. Close other programs that use it, or reload the page.",
  replaced: "Another page is this satellite now.",
  elsewhere: "This satellite is open on another page.",

  error_title: "This card cannot be shown",
  error_entity_missing: "Choose a satellite of Realtime Voice in the card's settings.",
  error_entity_unknown:
    "{entity} is not a satellite of Realtime Voice, or you may not see it. Choose another one in the card's settings.",
  error_lost: "The connection to Home Assistant was lost.",
  error_timeout: "Home Assistant did not answer in time.",
  error_unauthorized: "You may not use this satellite.",
  error_not_loaded: "Realtime Voice is not loaded. Look under Settings, Devices & services.",
  error_not_found: "This satellite does not exist any more, or Realtime Voice is still starting.",
  error_failed: "That did not work. The log of Home Assistant may say more.",

  editor_entity: "Satellite",
  editor_entity_helper:
    "Where the conversation takes place. A browser satellite listens and speaks in the page that is tapped.",
  editor_no_satellites:
    "There is no satellite yet. Add one on the page of Realtime Voice under Settings, Devices & services.",
  editor_title: "Title",
  editor_title_helper: "Instead of the satellite's name. Leave empty for no change.",
  editor_show: "What is shown",
  editor_show_transcript: "Conversation",
  editor_show_tools: "What the agent does",
  editor_show_level: "Levels",
  editor_show_volume: "Volume",
  editor_show_input: "Text field",
  editor_auto_connect: "Come online by itself",
  editor_auto_connect_helper:
    "Once this browser was used as the satellite, it is one again as soon as the card is shown, so that automations can start a conversation.",
} as const;
