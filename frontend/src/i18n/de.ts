import type { Words } from "./index";

export const de: Words = {
  card_name: "Realtime Voice",
  card_description: "Hier mit dem Zuhause sprechen oder das Gespräch eines anderen Satelliten verfolgen und steuern.",

  status_idle: "Bereit",
  status_connecting: "Verbindet …",
  status_listening: "Hört zu",
  status_thinking: "Denkt nach …",
  status_speaking: "Spricht",
  status_reconnecting: "Verbindet neu …",
  status_offline: "Offline",
  status_muted: "Stumm",
  status_loading: "Lädt …",

  hint_start: "Zum Sprechen tippen",
  hint_cancel: "Zum Abbrechen tippen",
  hint_stop: "Zum Beenden tippen",
  hint_stop_elsewhere: "Auf einer anderen Seite in Gebrauch. Zum Beenden tippen",
  hint_elsewhere: "Auf einer anderen Seite geöffnet. Tippen, um hier zu sprechen",
  hint_offline: "Dieser Satellit ist nicht verbunden",
  hint_lost: "Die Verbindung ist abgebrochen und wird neu aufgebaut",
  hint_watch_only: "Zuschauen ist erlaubt, Steuern nicht",

  button_start: "Gespräch mit {name} beginnen",
  button_stop: "Gespräch mit {name} beenden",
  mute: "Stumm",
  interrupt: "Unterbrechen",
  use_here: "Hier verwenden",
  dismiss: "Ausblenden",
  volume: "Lautstärke",
  send: "Senden",
  message: "Nachricht",
  message_placeholder: "Dem Agenten schreiben",

  you: "Du",
  agent: "Agent",
  said: "{who}: {text}",
  interrupted: "unterbrochen",
  transcript: "Gespräch",
  transcript_empty: "Hier erscheint, was du und der Agent sagen.",
  level_you: "Du",
  level_agent: "Agent",

  tool_running: "läuft",
  tool_ok: "erledigt",
  tool_failed: "fehlgeschlagen",

  microphone_denied:
    "Diese Seite darf das Mikrofon nicht verwenden. Erlaube es in den Browsereinstellungen für diese Adresse und tippe noch einmal.",
  microphone_missing: "Dieses Gerät hat kein Mikrofon, das der Browser verwenden kann.",
  microphone_insecure:
    "Browser geben das Mikrofon nur sicheren Seiten. Öffne Home Assistant über https, in der Companion-App über https oder auf dem Rechner selbst über localhost.",
  microphone_lost: "Das Mikrofon ist weg: Es wurde ausgesteckt oder von einem anderen Programm belegt.",
  microphone_silent:
    "Das Mikrofon ist offen, aber der Browser bekommt nichts von ihm. Schließe andere Programme, die es benutzen, oder lade die Seite neu.",
  replaced: "Eine andere Seite ist jetzt dieser Satellit.",
  elsewhere: "Dieser Satellit ist auf einer anderen Seite geöffnet.",

  error_title: "Diese Karte kann nicht angezeigt werden",
  error_entity_missing: "Wähle in den Einstellungen der Karte einen Satelliten von Realtime Voice.",
  error_entity_unknown:
    "{entity} ist kein Satellit von Realtime Voice, oder du darfst ihn nicht sehen. Wähle in den Einstellungen der Karte einen anderen.",
  error_lost: "Die Verbindung zu Home Assistant ist abgebrochen.",
  error_timeout: "Home Assistant hat nicht rechtzeitig geantwortet.",
  error_unauthorized: "Du darfst diesen Satelliten nicht verwenden.",
  error_not_loaded: "Realtime Voice ist nicht geladen. Sieh unter Einstellungen, Geräte & Dienste nach.",
  error_not_found: "Diesen Satelliten gibt es nicht mehr, oder Realtime Voice startet noch.",
  error_failed: "Das hat nicht funktioniert. Vielleicht sagt das Protokoll von Home Assistant mehr.",

  editor_entity: "Satellit",
  editor_entity_helper:
    "Wo das Gespräch stattfindet. Ein Browser-Satellit hört und spricht auf der Seite, auf der getippt wird.",
  editor_no_satellites:
    "Es gibt noch keinen Satelliten. Füge einen auf der Seite von Realtime Voice unter Einstellungen, Geräte & Dienste hinzu.",
  editor_title: "Titel",
  editor_title_helper: "Statt des Namens des Satelliten. Leer lassen, um nichts zu ändern.",
  editor_show: "Was gezeigt wird",
  editor_show_transcript: "Gespräch",
  editor_show_tools: "Was der Agent tut",
  editor_show_level: "Pegel",
  editor_show_volume: "Lautstärke",
  editor_show_input: "Textfeld",
  editor_auto_connect: "Von selbst verbinden",
  editor_auto_connect_helper:
    "Wurde dieser Browser einmal als Satellit verwendet, ist er es wieder, sobald die Karte zu sehen ist. So können Automationen ein Gespräch beginnen.",
};
