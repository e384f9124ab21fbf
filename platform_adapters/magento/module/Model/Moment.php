<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

/**
 * Times as the bridge reads them.
 */
class Moment
{
    /**
     * Of the database, which keeps UTC.
     */
    public static function said(string $stored): string
    {
        return str_replace(' ', 'T', substr($stored, 0, 19)) . 'Z';
    }

    public static function of(int $time): string
    {
        return gmdate('Y-m-d\TH:i:s\Z', $time);
    }
}
