<?php
/**
 * How this store is.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * The body of the heartbeat, and of the health route.
 */
class Storebridge_Health {

	const LATE = 900;

	/**
	 * The connection.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * What waits.
	 *
	 * @var Storebridge_Outbox
	 */
	private $outbox;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Settings $settings The connection.
	 * @param Storebridge_Outbox   $outbox   What waits.
	 */
	public function __construct( Storebridge_Settings $settings, Storebridge_Outbox $outbox ) {
		$this->settings = $settings;
		$this->outbox   = $outbox;
	}

	/**
	 * Versions, the outbox, and whether cron runs.
	 *
	 * @return array
	 */
	public function body() {
		return array(
			'version'          => STOREBRIDGE_VERSION,
			'platform_version' => WC()->version,
			'php'              => PHP_VERSION,
			'epoch'            => $this->settings->epoch(),
			'connected'        => $this->settings->connected(),
			'outbox'           => $this->outbox->state(),
			'cron'             => $this->cron(),
		);
	}

	/**
	 * Whether the heartbeat's own action came round lately.
	 *
	 * @return array
	 */
	private function cron() {
		$last    = (int) get_option( Storebridge_Settings::CRON, 0 );
		$healthy = $last > time() - self::LATE;
		$note    = '';
		if ( ! $healthy ) {
			$note = __( 'WordPress runs its scheduled tasks only when the site is visited, and has not run them for a while. Have your host call wp-cron.php every minute.', 'storebridge' );
			if ( defined( 'DISABLE_WP_CRON' ) && DISABLE_WP_CRON ) {
				$note = __( 'DISABLE_WP_CRON is set in wp-config.php, and nothing calls wp-cron.php instead. Have your host call it every minute.', 'storebridge' );
			}
		}
		return array(
			'last_run' => 0 === $last ? null : gmdate( 'Y-m-d\TH:i:s\Z', $last ),
			'healthy'  => $healthy,
			'note'     => $note,
		);
	}
}
